package mesh

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// Choice is the validator set that governance has chosen for this network, and
// who of it is ready. It is in office after a key block that finds it ready.
type Choice struct {
	Set      *proofs.ValidatorSet
	Sequence uint64 // of the act that chose it; 0: it is the zero-state's
	ready    []byte // bitmap of the members; empty if Sequence is 0
}

// IsReady reports whether member i has said that it is ready. The members of the
// zero-state's set need not.
func (c *Choice) IsReady(i int) bool { return c.Sequence == 0 || proofs.HasBit(c.ready, i) }

// Weight is the weight of the members that are ready.
func (c *Choice) Weight() (weight uint64) {
	for i := range c.Set.Len() {
		if c.IsReady(i) {
			weight += c.Set.At(i).Weight
		}
	}
	return weight
}

// Ready reports whether more than two thirds of the weight is ready.
func (c *Choice) Ready() bool { return c.Set.IsQuorum(c.Weight()) }

// Choice reads the chosen set from a state.
func (r *Rules) Choice(rd Reader) (*Choice, error) {
	v, ok, err := rd.Get(readyKey)
	if err != nil {
		return nil, err
	}
	if !ok {
		return &Choice{Set: r.self.Set}, nil
	}
	f := fields{b: v}
	c := &Choice{Sequence: f.u64()}
	hash := proofs.Hash(f.hash())
	if c.Set, err = r.readSet(rd, validatorsKey, hash); err != nil {
		return nil, err
	}
	c.ready = f.take(len(proofs.NewBitmap(c.Set.Len())))
	if c.Sequence == 0 {
		f.fail = true
	}
	return c, f.end("readiness")
}

func (c *Choice) encodeReady() []byte {
	hash := c.Set.Hash()
	b := append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+32+len(c.ready)), c.Sequence), hash[:]...)
	return append(b, c.ready...)
}

// NextSet returns the set that signs after the next key block, or nil if the set
// in office goes on because the chosen one is not ready.
func (r *Rules) NextSet(rd Reader) (*proofs.ValidatorSet, error) {
	c, err := r.Choice(rd)
	if err != nil || !c.Ready() {
		return nil, err
	}
	return c.Set, nil
}

// changeSet carries out an act on the network's own set: it changes what is chosen,
// on top of changes that are not in office yet, and everybody has to be ready anew.
func (in *induction) changeSet(a *types.Act) (proofs.Code, error) {
	if !formOnSet(a) {
		return proofs.CodeMalformed, nil
	}
	c, err := in.Choice(in.st)
	if err != nil {
		return 0, err
	}
	d := proofs.SetDelta{Upserted: []proofs.Validator{*a.Validator}}
	if a.Kind == types.ActRemoveValidator {
		d = proofs.SetDelta{Removed: []proofs.NodeKey{a.Validator.Node}}
	}
	next, err := c.Set.Apply(&d)
	switch {
	case errors.Is(err, proofs.ErrNotCanon), errors.Is(err, proofs.ErrTooLarge), errors.Is(err, proofs.ErrWeight):
		return proofs.CodeRefused, nil // it changes nothing, repeats a key, or makes no set
	case err != nil:
		return proofs.CodeMalformed, nil // no key, or no proof that the node holds it
	}
	in.sets.put(next)
	in.st.Set(validatorsKey, encodeSet(next))
	in.st.Set(readyKey, (&Choice{Set: next, Sequence: a.Sequence, ready: proofs.NewBitmap(next.Len())}).encodeReady())
	return proofs.CodeOK, nil
}

// formOnSet reports whether an act on the own set has the fields of its kind, and
// no others.
func formOnSet(a *types.Act) bool {
	v := a.Validator
	if v == nil || a.Peer != (proofs.NetworkID{}) || a.NetworkKind != "" || a.Window|a.GasRate|a.TrustPeriod != 0 {
		return false
	}
	bare := proofs.Validator{}
	return a.Kind == types.ActValidator || v.Key == bare.Key && v.Possession == bare.Possession && v.Weight == 0
}

// ready notes that a member of the chosen set is ready. One that comes too late, or
// again, is nobody's fault; one that could never count is the lane's.
func (in *induction) ready(j *job) (Note, error) {
	n := j.note(proofs.NetworkID{}, 0)
	n.First = j.ready.Sequence
	c, err := in.Choice(in.st)
	if err != nil {
		return n, err
	}
	i, err := c.takes(in.self.ID, j.ready)
	if err != nil {
		return in.refuse(n, err), nil
	}
	ready := append([]byte(nil), c.ready...)
	proofs.SetBit(ready, i)
	c.ready = ready
	in.st.Set(readyKey, c.encodeReady())
	n.Applied = true
	return n, nil
}

// takes checks a readiness and returns its member's place. Errors: proofs.ErrStale
// for another choice than this; proofs.ErrSigner; ErrNothing; proofs.ErrSignature.
func (c *Choice) takes(network proofs.NetworkID, r *types.Ready) (int, error) {
	hash := c.Set.Hash()
	if c.Sequence == 0 || r.Sequence != c.Sequence || r.SetHash != hash {
		return 0, fmt.Errorf("readiness of %s: got set %x of act %d, chosen is %x of act %d: %w",
			r.Node, r.SetHash[:4], r.Sequence, hash[:4], c.Sequence, proofs.ErrStale)
	}
	i, ok := c.Set.IndexOf(r.Node)
	if !ok {
		return 0, fmt.Errorf("readiness of %s: no member of the chosen set: %w", r.Node, proofs.ErrSigner)
	}
	if c.IsReady(i) {
		return 0, fmt.Errorf("readiness of %s: %w", r.Node, ErrNothing)
	}
	return i, r.Verify(network)
}

// TakesReady checks a readiness as the next block would: who carries what is
// refused here only costs its lane.
func (r *Rules) TakesReady(rd Reader, ready *types.Ready) error {
	c, err := r.Choice(rd)
	if err != nil {
		return err
	}
	_, err = c.takes(r.self.ID, ready)
	return err
}
