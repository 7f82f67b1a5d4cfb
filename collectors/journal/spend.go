package journal

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"
)

const spendBucket = "picket_spend"

// Spend keeps what each credential has spent in a month, shared by all daemons
// of one store. It implements collectors.Spend.
type Spend struct{ kv jetstream.KeyValue }

// OpenSpend opens the bucket.
func OpenSpend(ctx context.Context, js jetstream.JetStream, replicas int) (*Spend, error) {
	kv, err := js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: spendBucket, Description: "US dollars spent per credential and month", History: 1, Replicas: max(replicas, 1),
	})
	if err != nil {
		return nil, fmt.Errorf("open spend: %w", err)
	}
	return &Spend{kv}, nil
}

// Add adds dollars to what credential has spent in month ("2026-07") and
// returns the sum; adding 0 reads it. Two daemons that add at once both count.
func (s *Spend) Add(ctx context.Context, credential, month string, dollars float64) (float64, error) {
	key := leaseKey(credential) + "." + month
	for {
		sum, revision := 0.0, uint64(0)
		entry, err := s.kv.Get(ctx, key)
		switch {
		case err == nil:
			if sum, err = strconv.ParseFloat(string(entry.Value()), 64); err != nil {
				return 0, fmt.Errorf("spend of %s in %s: %w", credential, month, err)
			}
			revision = entry.Revision()
		case !errors.Is(err, jetstream.ErrKeyNotFound):
			return 0, fmt.Errorf("spend of %s in %s: %w", credential, month, err)
		}
		if dollars == 0 {
			return sum, nil
		}
		sum += dollars
		_, err = s.kv.Update(ctx, key, []byte(strconv.FormatFloat(sum, 'f', -1, 64)), revision)
		if isStale(err) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("spend of %s in %s: %w", credential, month, err)
		}
		return sum, nil
	}
}

func isStale(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && int(api.ErrorCode) == codeWrongLastSequence
}
