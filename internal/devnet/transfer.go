package devnet

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/chain/execution"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// Transfer says what to send; zero fields take the documented defaults.
type Transfer struct {
	From, To  string           // networks
	Sender    int              // which demo account of From
	Recipient proofs.AccountID // default: the demo account of To with the sender's number
	Amount    proofs.Amount    // in smallest units; default one token
	// Home sends vouchers of To's own asset home, instead of From's own asset.
	Home bool
	Via  int // the validator of From that admits it
	Memo string
}

// Sent is a transfer that a validator admitted.
type Sent struct {
	Transfer
	ID        proofs.Hash // of the external message
	Submitted time.Time

	// Known once it is delivered.
	Ref      proofs.EmittedRef
	Code     proofs.Code // of its execution at the destination
	Executed time.Time   // there, by the clock of the validator that was asked
}

// Crossing is the time from submission to execution at the destination.
func (s *Sent) Crossing() time.Duration { return s.Executed.Sub(s.Submitted) }

// Send signs a transfer and submits it. It tries again while the node is busy, and
// goes to another validator if this one is gone: the same signed message twice is
// one message.
func (d *Devnet) Send(ctx context.Context, t Transfer) (*Sent, error) {
	from, err := d.network(t.From)
	if err != nil {
		return nil, err
	}
	if _, err := d.node(t.From, t.Via); err != nil {
		return nil, err
	}
	x, key, err := d.external(from, &t)
	if err != nil {
		return nil, err
	}
	x.Sign(key.key)
	s := &Sent{Transfer: t, ID: x.ID(), Submitted: time.Now()}
	if err := d.submit(ctx, from, s, x.MarshalCanoto()); err != nil {
		return nil, fmt.Errorf("%s→%s: %w", t.From, t.To, err)
	}
	d.mu.Lock()
	d.sent = append(d.sent, s)
	d.recipients[t.Recipient] = struct{}{}
	d.mu.Unlock()
	return s, nil
}

func (d *Devnet) submit(ctx context.Context, from *network, s *Sent, wire []byte) error {
	began := time.Now()
	for k := s.Via; ; {
		n := from.nodes[k%len(from.nodes)]
		limited, cancel := context.WithTimeout(ctx, callLimit)
		a, err := n.client.Submit(limited, wire)
		cancel()
		switch {
		case err == nil && a.ID != s.ID:
			return fmt.Errorf("%w: message %x was admitted as %x", api.ErrProof, s.ID[:4], a.ID[:4])
		case err == nil, errors.Is(err, api.ErrDuplicate) && k != s.Via:
			return nil // another validator took it in before it went silent
		case errors.Is(err, api.ErrBusy):
		case (errors.Is(err, api.ErrUnavailable) || errors.Is(err, api.ErrTimeout)) && time.Since(began) < d.o.Patience:
			k++
		default:
			return fmt.Errorf("by %s: %w", n.name, err)
		}
		if err := pause(ctx, pollEvery); err != nil {
			return err
		}
	}
}

// external makes the message for a transfer, whose defaults it fills in.
func (d *Devnet) external(from *network, t *Transfer) (*types.External, *account, error) {
	to, err := d.network(t.To)
	if err != nil {
		return nil, nil, err
	}
	if t.Sender < 0 || t.Sender >= len(from.accounts) {
		return nil, nil, fmt.Errorf("%w: network %s has no account %d of %d", ErrOptions, t.From, t.Sender, len(from.accounts))
	}
	if t.Recipient == (proofs.AccountID{}) {
		if len(to.accounts) == 0 {
			return nil, nil, fmt.Errorf("%w: network %s has no accounts", ErrOptions, t.To)
		}
		t.Recipient = to.accounts[t.Sender%len(to.accounts)].id
	}
	if t.Amount.IsZero() {
		t.Amount = proofs.NewAmount(1_000_000)
	}
	var salt [8]byte
	if _, err := rand.Read(salt[:]); err != nil {
		return nil, nil, err
	}
	x := &types.External{
		Network: from.zero.ID, Salt: binary.BigEndian.Uint64(salt[:]),
		Expiry: uint64(time.Now().Unix()) + min(120, from.zero.Parameters.ExpiryWindow),
		Transfer: types.Transfer{
			Network: to.zero.ID, Recipient: t.Recipient, Asset: proofs.NativeAsset, Amount: t.Amount, Memo: t.Memo,
		},
	}
	if t.Home {
		x.Transfer.Asset = proofs.NativeAsset.Abroad(to.zero.ID)
	}
	if from != to {
		x.Transfer.Gas = execution.GasTransfer
	}
	return x, from.accounts[t.Sender], nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// WaitDelivered waits until transfers between networks were executed at their
// destinations, as certified receipts show, and fills in what is known then. A
// transfer that failed is ErrAudit.
func (d *Devnet) WaitDelivered(ctx context.Context, sent ...*Sent) error {
	lights := make(map[string]*light)
	for _, net := range d.networks {
		lights[net.name] = newLight(net)
	}
	open := append([]*Sent(nil), sent...)
	what := fmt.Sprintf("waiting for %d transfers", len(sent))
	var failed error
	err := d.await(ctx, what, d.o.Patience+time.Duration(len(sent))*50*time.Millisecond, func(ctx context.Context) string {
		for _, l := range lights {
			if err := l.readReceipts(ctx); err != nil {
				return fmt.Sprintf("receipts of %s: %v", l.net.name, err)
			}
		}
		if open, failed = delivered(lights, open); failed != nil || len(open) == 0 {
			return ""
		}
		s := open[0]
		return fmt.Sprintf("%d are missing, the first is %x (%s→%s)", len(open), s.ID[:4], s.From, s.To)
	})
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	return d.time(ctx, sent)
}

// delivered fills in what the receipts show, and returns what is still open.
func delivered(lights map[string]*light, open []*Sent) (rest []*Sent, err error) {
	for _, s := range open {
		done, err := s.deliver(lights)
		if err != nil {
			return open, err
		}
		if !done {
			rest = append(rest, s)
		}
	}
	return rest, nil
}

func (s *Sent) deliver(lights map[string]*light) (done bool, err error) {
	from, to := lights[s.From], lights[s.To]
	at := from.external[s.ID]
	if len(at) == 0 {
		return false, nil
	}
	r := &from.receipts[at[0]]
	if r.Code != proofs.CodeOK || len(r.Emitted) != 1 {
		return false, fmt.Errorf("%w: transfer %x at %s: %v, %d messages emitted, want ok and one", ErrAudit, s.ID[:4], s.From, r.Code, len(r.Emitted))
	}
	s.Ref = r.Emitted[0]
	at = to.messages[place{from.net.zero.ID, s.Ref.Incarnation, s.Ref.Index}]
	if len(at) == 0 {
		return false, nil
	}
	s.Code = to.receipts[at[0]].Code
	if s.Code != proofs.CodeOK {
		return false, fmt.Errorf("%w: transfer %x (message %d) at %s: %v", ErrAudit, s.ID[:4], s.Ref.Index, s.To, s.Code)
	}
	return true, nil
}

// time asks the destinations when they executed the transfers.
func (d *Devnet) time(ctx context.Context, sent []*Sent) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i, s := range sent {
		g.Go(func() error {
			from, err := d.network(s.From)
			if err != nil {
				return err
			}
			to, err := d.network(s.To)
			if err != nil {
				return err
			}
			s.Executed, err = to.executedAt(ctx, i, place{from.zero.ID, s.Ref.Incarnation, s.Ref.Index})
			return err
		})
	}
	return g.Wait()
}

// executedAt returns when a validator had executed a message: validator i, or one
// that answers in its place.
func (net *network) executedAt(ctx context.Context, i int, p place) (time.Time, error) {
	nodes := net.byHope()
	errs := []error{errNobody}
	for k := range nodes {
		n := nodes[(i+k)%len(nodes)]
		at, err := n.executedAt(ctx, p)
		if err == nil {
			return at, nil
		}
		errs = append(errs, err)
	}
	return time.Time{}, fmt.Errorf("message %d at %s: %w", p.index, net.name, errors.Join(errs...))
}

func (n *node) executedAt(ctx context.Context, p place) (time.Time, error) {
	t, err := n.client.TraceMessage(ctx, p.source, p.incarnation, p.index)
	if err != nil {
		return time.Time{}, err
	}
	for _, s := range t.Steps {
		if s.Name == api.StepExecuted {
			return time.UnixMilli(int64(min(s.Time, 1<<52))), nil
		}
	}
	return time.Time{}, fmt.Errorf("%s: the trace has no step %q", n.name, api.StepExecuted)
}
