package node

//go:generate go tool -modfile=../../tools/go.mod canoto --import=github.com/isthmus-network/isthmus/internal/canoto $GOFILE

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/mesh"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
)

// Bounds of governance.
const (
	maxOpenActs  = 64
	actLifetime  = uint64(24 * time.Hour / time.Millisecond) // unless the proposer says otherwise
	actsInterval = 250 * time.Millisecond                    // between looks at what is open
	actsResend   = 2 * time.Second
	actTakeover  = uint64(2000) // ms after which the next approver submits a certified act
)

// openAct is an act whose approvals are collected, as it is stored.
type openAct struct {
	Act       types.Act   `canoto:"value,1"`
	Approvals []approval  `canoto:"repeated value,2"` // by rising voter
	Since     uint64      `canoto:"uint,3"`           // ms: when a quorum approved; 0 before
	State     string      `canoto:"string,4"`         // api.Act…
	Code      uint32      `canoto:"uint,5"`
	SetHash   proofs.Hash `canoto:"fixed bytes,6"` // the set whose members approved

	canotoData canotoData_openAct
}

// acts collects the validators' approvals of governance acts, and puts a certified
// act into this node's lane. Approvals travel between the validators of a network;
// what is open is kept over restarts.
type acts struct {
	n    *Node
	mu   sync.Mutex
	open map[proofs.Hash]*openAct
	sent time.Time
	// submitted says when this node last put an act into its lane.
	submitted map[proofs.Hash]uint64
	set       *proofs.ValidatorSet // whose places voters are
}

func newActs(n *Node) (*acts, error) {
	a := &acts{n: n, open: make(map[proofs.Hash]*openAct), submitted: make(map[proofs.Hash]uint64)}
	err := n.chainDB.Iterate(store.Prefix([]byte{keyAct}), func(k, v []byte) (bool, error) {
		o := new(openAct)
		if err := proofs.Decode(o, v, maxStoredLen); err != nil {
			return false, fmt.Errorf("stored act: %w", err)
		}
		a.open[proofs.Hash(k[1:])] = o
		return true, nil
	})
	return a, err
}

// propose fills in what the node knows better, and approves.
func (a *acts) propose(act types.Act) (proofs.Hash, error) {
	v, err := a.n.newest()
	if err != nil {
		return proofs.Hash{}, err
	}
	if err := a.n.complete(&act); err != nil {
		return proofs.Hash{}, err
	}
	act.Network = a.n.zero.ID
	act.Epoch = a.n.status.Load().Order.Epoch
	if act.Sequence, err = mesh.NextSequence(v); err != nil {
		return proofs.Hash{}, err
	}
	if act.Expiry == 0 {
		act.Expiry = a.n.now() + actLifetime
	}
	id := act.ID()
	a.mu.Lock()
	err = a.admit(id, &act)
	a.mu.Unlock()
	if err != nil {
		return id, err
	}
	return id, a.approve(id)
}

// admit remembers an act. The caller holds mu.
func (a *acts) admit(id proofs.Hash, act *types.Act) error {
	if a.open[id] != nil {
		return nil
	}
	if len(a.open) >= maxOpenActs {
		a.forgetClosed()
	}
	switch {
	case act.Network != a.n.zero.ID:
		return fmt.Errorf("act: got network %s: %w", act.Network.Short(), proofs.ErrNetwork)
	case act.Expiry <= a.n.now():
		return fmt.Errorf("act: expired at %d: %w", act.Expiry, api.ErrExpired)
	case len(a.open) >= maxOpenActs:
		return fmt.Errorf("act: %d are open: %w", maxOpenActs, api.ErrBusy)
	}
	a.open[id] = &openAct{Act: *act, State: api.ActOpen}
	return a.store(id)
}

func (a *acts) forgetClosed() {
	for id, o := range a.open {
		if o.State != api.ActOpen && o.State != api.ActCertified {
			var b store.Batch
			b.Delete(key(keyAct, id[:]))
			if err := a.n.chainDB.Write(&b, false); err == nil {
				delete(a.open, id)
				delete(a.submitted, id)
			}
		}
	}
}

func (a *acts) store(id proofs.Hash) error {
	var b store.Batch
	b.Set(key(keyAct, id[:]), a.open[id].MarshalCanoto())
	return a.n.chainDB.Write(&b, true)
}

// approve signs an act with this validator's key and tells the others.
func (a *acts) approve(id proofs.Hash) error {
	s := a.n.status.Load()
	a.mu.Lock()
	o := a.open[id]
	if o == nil {
		a.mu.Unlock()
		return fmt.Errorf("act %x: %w", id[:4], api.ErrNotFound)
	}
	act := o.Act
	a.mu.Unlock()
	switch {
	case s.Self < 0:
		return fmt.Errorf("act %x: this node is no validator: %w", id[:4], api.ErrRefused)
	case act.Epoch > s.Order.Epoch:
		return fmt.Errorf("act %x: for epoch %d, now is %d: %w", id[:4], act.Epoch, s.Order.Epoch, api.ErrRefused)
	case act.Expiry <= a.n.now():
		return fmt.Errorf("act %x: expired at %d: %w", id[:4], act.Expiry, api.ErrExpired)
	}
	p := approval{Act: act, Voter: uint32(s.Self), Signature: a.n.bls.Sign(act.SigningBytes())}
	if err := a.add(&p, s.Set); err != nil {
		return err
	}
	a.n.broadcast(s.Set, classActs, frame(msgAct, &p))
	return nil
}

// receive takes another validator's approval.
func (a *acts) receive(b []byte) error {
	if len(b) == 0 || b[0] != msgAct {
		return fmt.Errorf("act: unknown message: %w", proofs.ErrMalformed)
	}
	var p approval
	if err := proofs.Decode(&p, b[1:], types.MaxActBytes); err != nil {
		return fmt.Errorf("act: %w", err)
	}
	return a.add(&p, a.n.status.Load().Set)
}

// add checks an approval and keeps it.
func (a *acts) add(p *approval, set *proofs.ValidatorSet) error {
	if int(p.Voter) >= set.Len() {
		return fmt.Errorf("act: approval by %d in a set of %d: %w", p.Voter, set.Len(), proofs.ErrSigner)
	}
	id := p.Act.ID()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.newSet(set)
	if o := a.open[id]; o != nil && o.has(p.Voter) {
		return nil
	}
	point, err := bls.ParseVote(p.Signature[:])
	if err == nil {
		err = bls.Verify(set.Key(int(p.Voter)), p.Act.SigningBytes(), point)
	}
	if err != nil {
		return fmt.Errorf("act %x: approval by %d: %w", id[:4], p.Voter, err)
	}
	if err := a.admit(id, &p.Act); err != nil {
		return err
	}
	o := a.open[id]
	o.SetHash = set.Hash()
	o.Approvals = append(o.Approvals, *p)
	slices.SortFunc(o.Approvals, func(x, y approval) int { return int(x.Voter) - int(y.Voter) })
	if o.State == api.ActOpen && a.enough(o, set) {
		o.State, o.Since = api.ActCertified, a.n.now()
	}
	return a.store(id)
}

// newSet gives the approvals of acts the places in a new set: a validator that
// goes on, with its key, need not approve again. Those of others, and all of a set
// that this node does not remember, are dropped. The caller holds mu.
func (a *acts) newSet(set *proofs.ValidatorSet) {
	if a.set != nil && a.set.Hash() == set.Hash() {
		return
	}
	for id, o := range a.open {
		if o.SetHash == set.Hash() {
			continue
		}
		o.move(a.set, set)
		if o.State == api.ActOpen || o.State == api.ActCertified {
			if o.State, o.Since = api.ActOpen, 0; a.enough(o, set) {
				o.State, o.Since = api.ActCertified, a.n.now()
			}
		}
		if err := a.store(id); err != nil {
			a.n.log.Error("act not stored", "error", err)
		}
	}
	a.set = set
}

func (o *openAct) move(old, set *proofs.ValidatorSet) {
	var kept []approval
	for _, p := range o.Approvals {
		if old == nil || old.Hash() != o.SetHash || int(p.Voter) >= old.Len() {
			continue
		}
		was := old.At(int(p.Voter))
		if i, ok := set.IndexOf(was.Node); ok && set.At(i).Key == was.Key {
			p.Voter = uint32(i)
			kept = append(kept, p)
		}
	}
	o.SetHash, o.Approvals = set.Hash(), kept
}

func (o *openAct) has(voter uint32) bool {
	return slices.ContainsFunc(o.Approvals, func(p approval) bool { return p.Voter == voter })
}

func (o *openAct) weight(set *proofs.ValidatorSet) (weight uint64) {
	for i := range o.Approvals {
		if int(o.Approvals[i].Voter) < set.Len() {
			weight += set.At(int(o.Approvals[i].Voter)).Weight
		}
	}
	return weight
}

func (a *acts) enough(o *openAct, set *proofs.ValidatorSet) bool {
	p := &a.n.zero.Parameters
	weight := o.weight(set)
	return set.IsQuorum(weight) && set.Exceeds(weight, p.ThresholdNum, p.ThresholdDen)
}

// run looks after open acts: it submits those that are certified, closes those
// that were executed or expired, and repeats own approvals to whoever missed them.
func (a *acts) run(ctx context.Context) error {
	for sleep(ctx, actsInterval) {
		for _, act := range a.due() {
			if err := a.n.ingress.submitItem(ctx, types.ItemAct, act); err != nil {
				a.n.log.Warn("act not submitted", "error", err)
			}
		}
	}
	return nil
}

// due closes what is done and returns the certified acts that this node should put
// into its lane now.
func (a *acts) due() (wires [][]byte) {
	s, now := a.n.status.Load(), a.n.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	resend := time.Since(a.sent) > actsResend
	if resend {
		a.sent = time.Now()
	}
	a.newSet(s.Set)
	for _, id := range a.sorted() {
		o := a.open[id]
		if o.State != api.ActOpen && o.State != api.ActCertified {
			continue
		}
		a.close(id, o, now)
		if o.State == api.ActCertified && a.mine(o, s.Self, now) && now > a.submitted[id]+4*actTakeover {
			if wire := a.certify(o, s.Set); wire != nil {
				a.submitted[id] = now
				wires = append(wires, wire)
			}
		}
		if i := slices.IndexFunc(o.Approvals, func(p approval) bool { return int(p.Voter) == s.Self }); resend && i >= 0 {
			a.n.broadcast(s.Set, classActs, frame(msgAct, &o.Approvals[i]))
		}
	}
	return wires
}

func (a *acts) sorted() []proofs.Hash {
	ids := make([]proofs.Hash, 0, len(a.open))
	for id := range a.open {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(x, y proofs.Hash) int {
		if ax, ay := &a.open[x].Act, &a.open[y].Act; ax.Sequence != ay.Sequence {
			return int(int64(ax.Sequence - ay.Sequence))
		}
		return bytes.Compare(x[:], y[:])
	})
	return ids
}

// mine reports whether this node is to submit the act: its first approver at once,
// each next one a while later.
func (a *acts) mine(o *openAct, self int, now uint64) bool {
	rank := slices.IndexFunc(o.Approvals, func(p approval) bool { return int(p.Voter) == self })
	return rank >= 0 && now >= o.Since+uint64(rank)*actTakeover
}

func (a *acts) certify(o *openAct, set *proofs.ValidatorSet) []byte {
	voters := make([]int, len(o.Approvals))
	votes := make([][bls.VoteSize]byte, len(o.Approvals))
	for i := range o.Approvals {
		voters[i], votes[i] = int(o.Approvals[i].Voter), o.Approvals[i].Signature
	}
	agg, bad := a.n.bls.Combine(set, o.Act.SigningBytes(), voters, votes)
	if len(bad) > 0 {
		return nil
	}
	c := types.CertifiedAct{Act: o.Act, Approval: agg}
	return c.MarshalCanoto()
}

// close notes that an act was carried out, or cannot be any more.
func (a *acts) close(id proofs.Hash, o *openAct, now uint64) {
	v, err := a.n.newest()
	if err != nil {
		return
	}
	next, err := mesh.NextSequence(v)
	if err != nil {
		return
	}
	switch r, ok, err := a.n.receiptOf(id); {
	case err != nil:
		return
	case ok && r.Code == proofs.CodeOK:
		o.State = api.ActExecuted
	case ok:
		o.State, o.Code = api.ActRefused, uint32(r.Code)
	case o.Act.Expiry <= now:
		o.State = api.ActExpired
	case next > o.Act.Sequence:
		o.State, o.Code = api.ActRefused, uint32(proofs.CodeRefused)
	default:
		return
	}
	if err := a.store(id); err != nil {
		a.n.log.Error("act not stored", "error", err)
	}
}

// list describes all remembered acts.
func (a *acts) list() []api.ActState {
	set := a.n.status.Load().Set
	a.mu.Lock()
	defer a.mu.Unlock()
	a.newSet(set)
	out := make([]api.ActState, 0, len(a.open))
	for _, id := range a.sorted() {
		o := a.open[id]
		st := api.ActState{ID: id, Act: o.Act, State: o.State, Weight: o.weight(set), Total: set.Total(), Code: proofs.Code(o.Code)}
		for i := range o.Approvals {
			if v := int(o.Approvals[i].Voter); v < set.Len() {
				st.Approvals = append(st.Approvals, api.Approval{Node: set.At(v).Node, Weight: set.At(v).Weight})
			}
		}
		out = append(out, st)
	}
	return out
}
