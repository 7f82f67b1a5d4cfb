package journal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// ensureStream creates the stream of partition p, or makes the one there fit
// the configuration.
func (j *Journal) ensureStream(ctx context.Context, p int) error {
	want := j.streamConfig(p)
	s, err := j.js.Stream(ctx, want.Name)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		if s, err = j.js.CreateStream(ctx, want); err != nil {
			return fmt.Errorf("create journal stream %s: %w", want.Name, err)
		}
		return j.adopt(s.CachedInfo().Config)
	case err != nil:
		return fmt.Errorf("open journal stream %s: %w", want.Name, err)
	}
	have := s.CachedInfo().Config
	if err := j.checkStream(&have); err != nil {
		return err
	}
	old, err := shortestIn(have.Metadata)
	if err != nil {
		return err
	}
	have.MaxAge, have.MaxBytes, have.Replicas, have.Duplicates = want.MaxAge, want.MaxBytes, want.Replicas, want.Duplicates
	have.AllowMsgTTL = true // those of the first versions had none
	have.Metadata = maps.Clone(have.Metadata)
	have.Metadata[metaShortest] = shorter(old, j.cfg.Retention.shortest()).String()
	if s, err = j.js.UpdateStream(ctx, have); err != nil {
		return fmt.Errorf("update journal stream %s: %w", want.Name, err)
	}
	return j.adopt(s.CachedInfo().Config)
}

func (j *Journal) streamConfig(p int) jetstream.StreamConfig {
	c := jetstream.StreamConfig{
		Name:        StreamName(p),
		Description: "Picket activities, partition " + strconv.Itoa(p),
		Subjects:    []string{subjectPrefix + strconv.Itoa(p) + ".>"},
		Storage:     jetstream.FileStorage,
		Retention:   jetstream.LimitsPolicy,
		Discard:     jetstream.DiscardOld,
		MaxAge:      j.cfg.Retention.longest(),
		MaxBytes:    j.cfg.MaxBytes,
		Replicas:    j.cfg.Replicas,
		AllowDirect: true,
		AllowMsgTTL: true,
		Metadata: map[string]string{
			metaParts: strconv.Itoa(j.cfg.Partitions), metaVersion: layoutVersion,
			metaShortest: j.cfg.Retention.shortest().String(),
		},
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = -1
	}
	if c.MaxAge != 0 && c.MaxAge < 2*time.Minute {
		c.Duplicates = c.MaxAge
	}
	return c
}

// checkStream refuses a stream that this journal must not write to.
func (j *Journal) checkStream(have *jetstream.StreamConfig) error {
	if v := have.Metadata[metaVersion]; v != layoutVersion {
		return fmt.Errorf("journal stream %s has layout version %q, this Picket writes %q: use the version of Picket that created it", have.Name, v, layoutVersion)
	}
	if n := have.Metadata[metaParts]; n != strconv.Itoa(j.cfg.Partitions) {
		return fmt.Errorf("journal stream %s was created with %s partitions, the configuration says %d: set journal.partitions back, the number is fixed when the store is created", have.Name, n, j.cfg.Partitions)
	}
	if have.PersistMode == jetstream.AsyncPersistMode {
		return fmt.Errorf("journal stream %s has persist_mode async, under which acknowledged messages are lost on a crash: recreate it with persist_mode default", have.Name)
	}
	return nil
}

// adopt checks what the server made of the configuration.
func (j *Journal) adopt(have jetstream.StreamConfig) error {
	if !have.AllowMsgTTL {
		return fmt.Errorf("journal stream %s takes no lives of single messages, which retention by kind needs: use NATS server 2.11 or newer", have.Name)
	}
	shortest, err := shortestIn(have.Metadata)
	j.shortest = shorter(j.shortest, shortest)
	return err
}

// shortestIn reads the shortest retention from a stream's metadata; 0 is none.
func shortestIn(meta map[string]string) (time.Duration, error) {
	text := meta[metaShortest]
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("journal: metadata %s: %w", metaShortest, err)
	}
	return d, nil
}
