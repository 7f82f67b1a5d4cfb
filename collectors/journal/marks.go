package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"
)

const marksBucket = "picket_marks"

// Marks keep how far the findings of each partition are durable, beside the log
// and for all daemons: whoever reads a partition from its beginning, with
// memory that retention has cut short, must not tell of old activities again.
type Marks struct{ kv jetstream.KeyValue }

// OpenMarks opens the bucket.
func OpenMarks(ctx context.Context, js jetstream.JetStream, replicas int) (*Marks, error) {
	kv, err := js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: marksBucket, Description: "how far each partition's findings are durable", History: 1, Replicas: max(replicas, 1),
	})
	if err != nil {
		return nil, fmt.Errorf("open marks: %w", err)
	}
	return &Marks{kv}, nil
}

// Put says that every finding up to and at a mark is durable.
func (m *Marks) Put(ctx context.Context, partition int, mark Mark) error {
	data, err := json.Marshal(mark)
	if err == nil {
		_, err = m.kv.Put(ctx, strconv.Itoa(partition), data)
	}
	if err != nil {
		return fmt.Errorf("mark partition %d: %w", partition, err)
	}
	return nil
}

// Get returns the mark of a partition; false where there is none.
func (m *Marks) Get(ctx context.Context, partition int) (Mark, bool, error) {
	entry, err := m.kv.Get(ctx, strconv.Itoa(partition))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return Mark{}, false, nil
	}
	var mark Mark
	if err == nil {
		err = json.Unmarshal(entry.Value(), &mark)
	}
	if err != nil {
		return Mark{}, false, fmt.Errorf("mark of partition %d: %w", partition, err)
	}
	return mark, true, nil
}
