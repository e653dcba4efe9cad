package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/isthmus-network/isthmus/bootstrap"
	"github.com/isthmus-network/isthmus/proofs"
)

// Bootstrap is what following all key blocks of a network takes, from its
// zero-header to the newest, on all cores: decoding and verifying, without network
// and disk.
type Bootstrap struct {
	KeyBlocks  int `json:"key_blocks"`
	Validators int `json:"validators"`
	// Seconds is for a validator set that stays as it is.
	Seconds float64 `json:"seconds"`
	// SecondsChurn is for a set of which each key block exchanges one validator: the
	// one that was there longest for one with new keys, whose possession is proved.
	SecondsChurn float64 `json:"seconds_churn"`
}

// MeasureBootstrap makes two chains and follows each once.
func MeasureBootstrap(ctx context.Context, keyBlocks, validators int) (*Bootstrap, error) {
	b := &Bootstrap{KeyBlocks: keyBlocks, Validators: validators}
	for _, m := range []struct {
		churn   bool
		seconds *float64
	}{{false, &b.Seconds}, {true, &b.SecondsChurn}} {
		c, err := makeChain(ctx, keyBlocks, validators, m.churn)
		if err != nil {
			return nil, fmt.Errorf("make key blocks: %w", err)
		}
		took, err := c.follow(ctx)
		if err != nil {
			return nil, fmt.Errorf("follow key blocks: %w", err)
		}
		*m.seconds = took.Seconds()
	}
	return b, nil
}

func (c *chain) follow(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	trust, err := bootstrap.Follow(ctx, proofs.NewTrust(c.zero), []bootstrap.Source{c}, bootstrap.FollowOptions{Now: c.end})
	if err != nil {
		return 0, err
	}
	if want := uint64(len(c.wire)) * spacing; trust.KeyHeight != want {
		return 0, fmt.Errorf("got to key block %d, want %d", trust.KeyHeight, want)
	}
	return time.Since(began), nil
}
