package admission

import (
	"fmt"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// Limits bound the pool. Zero fields take the defaults.
type Limits struct {
	PerSender int    // messages of one account under way; default 1024
	Messages  int    // messages under way; default 65536
	Bytes     int    // bytes that wait for a batch; default 64 MiB
	Statuses  int    // messages whose status is known, under way or done; default 262144
	Keep      uint64 // ms that a status is kept after the message's expiry; default 10 minutes
}

func (l Limits) orDefaults() Limits {
	for _, f := range [...]struct {
		at   *int
		want int
	}{{&l.PerSender, 1024}, {&l.Messages, 65536}, {&l.Bytes, 64 << 20}, {&l.Statuses, 262144}} {
		if *f.at <= 0 {
			*f.at = f.want
		}
	}
	if l.Keep == 0 {
		l.Keep = 600_000
	}
	l.Statuses = max(l.Statuses, l.Messages)
	return l
}

// Config says which messages are for this network.
type Config struct {
	Network      proofs.NetworkID
	ExpiryWindow uint64 // seconds that a message may live (Parameters.ExpiryWindow)
	Limits       Limits
}

// Lookup reports whether a body is in the bucket of executed bodies of its expiry
// second.
type Lookup func(expiry uint64, body proofs.Hash) bool

// Pool is what this node has admitted. Messages wait in it for a batch, in order
// of admission, and their status is kept until after they expire. Not safe for
// concurrent use; candidates are verified outside.
type Pool struct {
	cfg     Config
	byID    map[proofs.Hash]*entry
	byBody  map[proofs.Hash]*entry
	batches map[proofs.Hash]*batch
	senders map[proofs.AccountID]int // messages under way
	seconds map[uint64]*second       // by expiry
	waiting []*entry                 // for a batch; those without wire wait no more
	count   int                      // of what waits
	bytes   int                      // of what waits
	pending int                      // under way
	done    []*entry                 // executed or expired, oldest first
	open    []*entry                 // executed, not certified; heights do not fall

	swept, closed, dropped uint64 // expiry seconds below: not waiting, not under way, forgotten
}

type entry struct {
	Status
	wire []byte // while it waits
	gone bool   // its status was dropped
}

type second struct {
	entries []*entry
	gone    int // of them dropped
}

type batch struct {
	entries []*entry
	live    int // of them under way
}

func (e *entry) ended() bool { return e.Stage >= Executed }

// New returns an empty pool.
func New(cfg Config) *Pool {
	cfg.Limits = cfg.Limits.orDefaults()
	return &Pool{
		cfg: cfg, byID: make(map[proofs.Hash]*entry), byBody: make(map[proofs.Hash]*entry), batches: make(map[proofs.Hash]*batch),
		senders: make(map[proofs.AccountID]int), seconds: make(map[uint64]*second),
	}
}

// Candidate is a message that passed every check but that of its signature.
type Candidate struct {
	external *types.External
	id, body proofs.Hash
	wire     []byte
}

// Verified is a candidate whose signature holds.
type Verified struct{ c Candidate }

// External returns the message.
func (v *Verified) External() *types.External { return v.c.external }

// ID returns the message's id.
func (v *Verified) ID() proofs.Hash { return v.c.id }

// Verify checks the signature: ErrSignature.
func (c *Candidate) Verify() (*Verified, error) {
	if err := c.external.VerifySignature(); err != nil {
		return nil, err
	}
	return &Verified{*c}, nil
}

// VerifyAll checks many signatures at once. A nil stands in the place of a
// candidate whose signature does not hold.
func VerifyAll(cs []*Candidate) []*Verified {
	xs := make([]*types.External, len(cs))
	for i, c := range cs {
		xs[i] = c.external
	}
	out := make([]*Verified, len(cs))
	for i, ok := range types.VerifyExternals(xs) {
		if ok {
			out[i] = &Verified{*cs[i]}
		}
	}
	return out
}

// Check makes every check but that of the signature, cheapest first: size, form,
// network and content, expiry, duplicates, room. The pool keeps wire if it is
// added. Errors: those in errors.go, proofs.ErrTooLarge, ErrMalformed, ErrNetwork.
func (p *Pool) Check(now uint64, wire []byte, executed Lookup) (*Candidate, error) {
	x, err := types.DecodeExternal(wire)
	if err != nil {
		return nil, err
	}
	if err := x.Validate(p.cfg.Network); err != nil {
		return nil, err
	}
	if err := p.checkExpiry(now, x.Expiry); err != nil {
		return nil, err
	}
	c := &Candidate{external: x, body: x.Body(), id: x.ID(), wire: wire}
	if err := p.checkKnown(c); err != nil {
		return nil, err
	}
	if executed != nil && executed(x.Expiry, c.body) {
		return nil, &DuplicateError{Body: c.body, Stage: Executed}
	}
	if err := p.checkRoom(c); err != nil {
		return nil, err
	}
	return c, nil
}

func (p *Pool) checkExpiry(now, expiry uint64) error {
	second := now / 1000
	if expiry <= second {
		return fmt.Errorf("external message: got expiry %d, want above %d: %w", expiry, second, ErrExpired)
	}
	if expiry-second > p.cfg.ExpiryWindow {
		return fmt.Errorf("external message: got expiry %d, want at most %d: %w", expiry, second+p.cfg.ExpiryWindow, ErrTooFar)
	}
	return nil
}

func (p *Pool) checkKnown(c *Candidate) error {
	if e := p.byBody[c.body]; e != nil {
		return &DuplicateError{ID: e.ID, Body: e.Body, Stage: e.Stage}
	}
	return nil
}

func (p *Pool) checkRoom(c *Candidate) error {
	l := &p.cfg.Limits
	if p.pending >= l.Messages || p.bytes+len(c.wire) > l.Bytes {
		return fmt.Errorf("external message: %d messages are under way and %d bytes wait, want at most %d and %d: %w",
			p.pending, p.bytes, l.Messages, l.Bytes, ErrFull)
	}
	if n := p.senders[c.external.Sender()]; n >= l.PerSender {
		return fmt.Errorf("external message: %d messages of %s are under way, want at most %d: %w", n, c.external.Sender().Short(), l.PerSender, ErrBusy)
	}
	return nil
}

// Add takes a verified message in. What may have changed since Check is checked
// again: ErrExpired, ErrDuplicate, ErrFull, ErrBusy. The lookup into the state is
// not repeated: a body that was executed in between is found by execution, as one
// that another validator includes at the same time is.
func (p *Pool) Add(now uint64, v *Verified) error {
	c := &v.c
	if err := p.checkExpiry(now, c.external.Expiry); err != nil {
		return err
	}
	if err := p.checkKnown(c); err != nil {
		return err
	}
	if err := p.checkRoom(c); err != nil {
		return err
	}
	e := p.insert(now, c, Received)
	e.wire = c.wire
	p.waiting = append(p.waiting, e)
	p.count++
	p.bytes += len(c.wire)
	return nil
}

// Admit is Check, Verify and Add in one.
func (p *Pool) Admit(now uint64, wire []byte, executed Lookup) (*Verified, error) {
	c, err := p.Check(now, wire, executed)
	if err != nil {
		return nil, err
	}
	v, err := c.Verify()
	if err != nil {
		return nil, err
	}
	return v, p.Add(now, v)
}

// Restore puts a message of an own batch that is not executed yet back after a
// restart. Its signature was checked when it was admitted.
func (p *Pool) Restore(now uint64, wire []byte, batch proofs.Hash) error {
	x, err := types.DecodeExternal(wire)
	if err != nil {
		return err
	}
	c := &Candidate{external: x, body: x.Body(), id: x.ID()}
	if x.Expiry > now/1000 {
		if err := p.checkExpiry(now, x.Expiry); err != nil {
			return err
		}
	}
	if err := p.checkKnown(c); err != nil {
		return err
	}
	if err := p.checkRoom(c); err != nil {
		return err
	}
	p.join(p.insert(now, c, Batched), batch)
	return nil
}

func (p *Pool) insert(now uint64, c *Candidate, stage Stage) *entry {
	p.makeRoom()
	e := &entry{Status: Status{ID: c.id, Body: c.body, Sender: c.external.Sender(), Expiry: c.external.Expiry}}
	e.reach(now, stage)
	p.byID[e.ID], p.byBody[e.Body] = e, e
	p.senders[e.Sender]++
	p.pending++
	if len(p.seconds) == 0 {
		p.swept, p.closed, p.dropped = e.Expiry, e.Expiry, e.Expiry
	}
	p.swept, p.closed, p.dropped = min(p.swept, e.Expiry), min(p.closed, e.Expiry), min(p.dropped, e.Expiry)
	b := p.seconds[e.Expiry]
	if b == nil {
		b = new(second)
		p.seconds[e.Expiry] = b
	}
	b.entries = append(b.entries, e)
	return e
}
