package devnet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// light follows one network from its zero-header and believes only what its
// validators certified: key blocks, headers, the receipt log, state entries. It is
// used by one goroutine.
type light struct {
	net       *network
	trust     proofs.Trust
	keyBlocks uint64
	newest    proofs.Header // the highest header verified
	log       merkle.Range  // of all receipts read
	receipts  []proofs.Receipt
	external  map[proofs.Hash][]int // receipts of external messages, by id
	messages  map[place][]int       // receipts of messages from other networks
	emitted   map[place]proofs.Hash // what caused a message, by its place; the source stands for the destination
}

// place is the place of a message in a queue.
type place struct {
	source      proofs.NetworkID
	incarnation uint64
	index       uint64
}

func newLight(net *network) *light {
	return &light{
		net: net, trust: proofs.NewTrust(net.zero), log: merkle.NewRange(0),
		external: make(map[proofs.Hash][]int), messages: make(map[place][]int), emitted: make(map[place]proofs.Hash),
	}
}

// clock is the walk's: the trust period is judged at its end, by expired.
func clock() proofs.Clock {
	return proofs.Clock{Now: uint64(time.Now().UnixMilli()), Historical: true}
}

// expired reports that what was followed lies too far back to prove the present.
func (l *light) expired() error {
	now := uint64(time.Now().UnixMilli())
	if l.trust.Expired(now) {
		return fmt.Errorf("%s: newest header of %d, at %d: %w", l.net.name, l.trust.Time, now, proofs.ErrExpired)
	}
	return nil
}

// each calls ask for the nodes of the network in turn until one of them gives what
// holds.
func (l *light) each(ctx context.Context, ask func(ctx context.Context, c *api.Client) error) error {
	errs := []error{errNobody}
	for _, n := range l.net.byHope() {
		limited, cancel := context.WithTimeout(ctx, 4*callLimit)
		err := ask(limited, n.client)
		cancel()
		if err == nil || ctx.Err() != nil {
			return err
		}
		errs = append(errs, fmt.Errorf("%s: %w", n.name, err))
	}
	return errors.Join(errs...)
}

// follow takes all key blocks that c has.
func (l *light) follow(ctx context.Context, c *api.Client) error {
	for {
		blocks, err := c.KeyBlocks(ctx, l.trust.KeyHeight+1, api.MaxKeyBlocks)
		if err != nil {
			return err
		}
		if len(blocks) == 0 {
			return nil
		}
		for i := range blocks {
			next, v, err := l.trust.Advance(&blocks[i], clock())
			if err != nil {
				return err
			}
			l.trust, l.newest = next, v.Header()
			l.keyBlocks++
		}
	}
}

// verify checks a header, taking the key blocks that come before it.
func (l *light) verify(ctx context.Context, c *api.Client, ch *proofs.CertifiedHeader) (*proofs.VerifiedHeader, error) {
	if ch.Header.Epoch > l.trust.Epoch { // even an equal set is followed key block by key block
		if err := l.follow(ctx, c); err != nil {
			return nil, err
		}
	}
	v, err := l.trust.VerifyHeader(ch, clock())
	if err != nil {
		return nil, err
	}
	l.trust = l.trust.Refresh(v)
	if h := v.Header(); h.Height > l.newest.Height {
		l.newest = h
	}
	return v, nil
}

// readReceipts reads the receipt log up to the end that a node certifies now.
func (l *light) readReceipts(ctx context.Context) error {
	return l.each(ctx, func(ctx context.Context, c *api.Client) error {
		for {
			page, err := c.Receipts(ctx, l.log.End(), api.MaxReceipts)
			if err != nil {
				return err
			}
			v, err := l.verify(ctx, c, &page.Header)
			if err != nil {
				return err
			}
			if err := l.take(page, v); err != nil {
				return err
			}
			if l.log.End() == page.Size() {
				return nil
			}
			if len(page.Receipts) == 0 {
				return fmt.Errorf("receipts from %d of %d: got none", l.log.End(), page.Size())
			}
		}
	})
}

// take checks a page under its header, and that what lies before it is what was
// read.
func (l *light) take(page *api.ReceiptPage, v *proofs.VerifiedHeader) error {
	if page.From != l.log.End() || !slices.Equal(page.Left, l.log.Nodes()) {
		return fmt.Errorf("receipts before %d: not those that were read: %w", page.From, proofs.ErrDiverged)
	}
	if err := page.Verify(v); err != nil {
		return err
	}
	for i := range page.Receipts {
		r := &page.Receipts[i]
		if err := l.log.Append(r.Leaf(l.net.zero.ID), nil); err != nil {
			return err
		}
		l.record(r)
	}
	return nil
}

// record notes what a receipt is about.
func (l *light) record(r *proofs.Receipt) {
	k := len(l.receipts)
	l.receipts = append(l.receipts, *r)
	for i := range r.Emitted {
		ref := &r.Emitted[i]
		l.emitted[place{ref.Destination, ref.Incarnation, ref.Index}] = r.ID
	}
	switch {
	case r.Kind == proofs.ReceiptExternal:
		l.external[r.ID] = append(l.external[r.ID], k)
	case r.Kind == proofs.ReceiptMessage && r.Incarnation != 0:
		p := place{r.Source, r.Incarnation, r.Index}
		l.messages[p] = append(l.messages[p], k)
	}
}

// prove returns what the state holds under keys, as of one certified state root.
// A key without an entry is proved to have none, and is missing in the result.
func (l *light) prove(ctx context.Context, keys [][]byte) (values map[string][]byte, err error) {
	err = l.each(ctx, func(ctx context.Context, c *api.Client) error {
		for range 5 {
			var same bool
			if values, same, err = l.proveOnce(ctx, c, keys); err != nil || same {
				return err
			}
		}
		return errors.New("the state changes faster than its entries are proved")
	})
	return values, err
}

// proveOnce asks for as many keys at a time as one answer may hold; same is false
// if the answers are not of one state.
func (l *light) proveOnce(ctx context.Context, c *api.Client, keys [][]byte) (values map[string][]byte, same bool, err error) {
	values = make(map[string][]byte)
	var root proofs.Hash
	for part := range slices.Chunk(keys, api.MaxProveKeys) {
		p, err := c.Prove(ctx, part)
		if err != nil {
			return nil, false, err
		}
		v, err := l.verify(ctx, c, &p.Header)
		if err != nil {
			return nil, false, err
		}
		if err := p.Verify(v); err != nil {
			return nil, false, err
		}
		h := v.Header()
		if root != (proofs.Hash{}) && root != h.StateRoot {
			return nil, false, nil
		}
		root = h.StateRoot
		for i, e := range p.Entries {
			if string(e.Key) != string(part[i]) {
				return nil, false, fmt.Errorf("proof of key %q, want %q", e.Key, part[i])
			}
			if e.Present {
				values[string(e.Key)] = e.Value
			}
		}
	}
	return values, true, nil
}
