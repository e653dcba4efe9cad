package client

import (
	"cmp"
	"log/slog"
	"time"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// maxInFlight bounds the doubling of Config.InFlight.
const maxInFlight = 30_000 // ms

func (c Config) withDefaults() Config {
	c.RequestTimeout = cmp.Or(c.RequestTimeout, 3*time.Second)
	c.TurnLength = cmp.Or(c.TurnLength, 2*time.Second)
	c.RankDelay = cmp.Or(c.RankDelay, 200*time.Millisecond)
	c.InFlight = cmp.Or(c.InFlight, 2*time.Second)
	c.Retry = cmp.Or(c.Retry, 25*time.Millisecond)
	c.Poll = cmp.Or(c.Poll, 5*time.Second)
	c.IdlePoll = cmp.Or(c.IdlePoll, 2*time.Minute)
	c.MaxPipeline = cmp.Or(c.MaxPipeline, 8)
	c.SliceMessages = min(cmp.Or(c.SliceMessages, 2048), proofs.MaxSliceMessages)
	c.FlyingMessages = cmp.Or(c.FlyingMessages, 4096)
	c.SliceBytes = min(cmp.Or(c.SliceBytes, 2<<20), proofs.MaxSliceBytes)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// timings are the planner's, in milliseconds.
type timings struct {
	turn, rank, inFlight, retry, poll, idlePoll uint64
	pipeline, messages, flying, bytes           int
}

func (c *Config) timings() timings {
	ms := func(d time.Duration) uint64 { return uint64(max(d.Milliseconds(), 1)) }
	return timings{
		turn: ms(c.TurnLength), rank: ms(c.RankDelay), inFlight: ms(c.InFlight), retry: ms(c.Retry),
		poll: ms(c.Poll), idlePoll: ms(c.IdlePoll),
		pipeline: c.MaxPipeline, messages: c.SliceMessages, flying: c.FlyingMessages, bytes: c.SliceBytes,
	}
}

// effect is one thing that the planner wants done; the driver does them in order.
// If an ask is among them it is the last one.
type effect interface{ isEffect() }

type (
	// submit puts an item into our own lane.
	submit struct {
		kind types.ItemKind
		data []byte
	}
	// penalize blames a source.
	penalize struct {
		from string
		err  error
	}
	// ask requests something; the driver hands the answer to planner.answered.
	ask struct {
		proto Proto
		req   []byte
		// onTurn: the answer may be submitted whoever's turn it is by then.
		onTurn bool
	}
)

func (submit) isEffect()   {}
func (penalize) isEffect() {}
func (ask) isEffect()      {}
