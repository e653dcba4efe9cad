package mesh

import (
	"fmt"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// kindNative is the network kind of networks that run this protocol.
const kindNative = "native"

// NextSequence returns the sequence number that the next governance act must
// have: the first is 1.
func NextSequence(rd Reader) (uint64, error) {
	v, ok, err := rd.Get(sequenceKey)
	if err != nil || !ok {
		return 1, err
	}
	last, err := decodeU64(v)
	return last + 1, err
}

// act carries out a governance act that validators of this block's epoch
// approved, in its own epoch or since. One that is out of place is not looked at
// further; one that is approved takes its sequence number even if a rule refuses
// what it asks.
func (in *induction) act(j *job) (Note, error) {
	a := &j.act.Act
	n := j.note(a.Peer, 0)
	n.Act, n.First = a.ID(), a.Sequence
	next, err := NextSequence(in.st)
	if err != nil {
		return n, err
	}
	if n.Err = in.inPlace(a, next); n.Err != nil {
		return n, nil
	}
	if in.acts[j.Lane]++; in.acts[j.Lane] > maxActs {
		n.Err = fmt.Errorf("acts of lane %d: more than %d: %w", j.Lane, maxActs, ErrLimit)
		return n, nil
	}
	p := &in.self.Parameters
	if err := j.act.Verify(in.env.Set, p.ThresholdNum, p.ThresholdDen); err != nil {
		if a.Epoch < in.env.Epoch {
			n.Err = err // an honest lane may have carried it before the set changed
			return n, nil
		}
		return in.blame(n, err), nil
	}
	in.st.Set(sequenceKey, encodeU64(a.Sequence))
	n.Applied = true
	n.Code, err = in.carryOut(a)
	if n.Code != proofs.CodeOK {
		n.Err = fmt.Errorf("act %d: %s: %w", a.Sequence, n.Code, ErrAct)
	}
	return n, err
}

func (in *induction) inPlace(a *types.Act, next uint64) error {
	switch {
	case a.Network != in.self.ID:
		return fmt.Errorf("act: got network %s, want %s: %w", a.Network.Short(), in.self.ID.Short(), proofs.ErrNetwork)
	case a.Sequence != next:
		return fmt.Errorf("act: got sequence %d, want %d: %w", a.Sequence, next, ErrAct)
	case a.Epoch > in.env.Epoch:
		return fmt.Errorf("act %d: got epoch %d, want at most %d: %w", a.Sequence, a.Epoch, in.env.Epoch, ErrAct)
	case a.Expiry < in.env.Time:
		return fmt.Errorf("act %d: expired at %d, now %d: %w", a.Sequence, a.Expiry, in.env.Time, ErrAct)
	}
	return nil
}

func (in *induction) carryOut(a *types.Act) (proofs.Code, error) {
	switch {
	case a.OnSet():
		return in.changeSet(a)
	case a.Validator != nil:
		return proofs.CodeMalformed, nil
	}
	rec, known, err := readRecord(in.st, a.Peer)
	if err != nil {
		return 0, err
	}
	switch a.Kind {
	case types.ActRegister:
		return in.register(a, known), nil
	case types.ActPause, types.ActResume:
		pause := a.Kind == types.ActPause
		if !known {
			return proofs.CodeUnknownPeer, nil
		}
		if rec.paused == pause {
			return proofs.CodeRefused, nil
		}
		rec.paused = pause
		writeRecord(in.st, a.Peer, rec)
		return proofs.CodeOK, nil
	}
	return proofs.CodeMalformed, nil
}

// register makes a network a peer: its queue head appears in our outbound root,
// and its zero-header can be inducted.
func (in *induction) register(a *types.Act, known bool) proofs.Code {
	switch {
	case known || a.Peer == in.self.ID || a.Peer == proofs.HomeNetwork:
		return proofs.CodeRefused
	case a.NetworkKind != kindNative:
		return proofs.CodeMalformed
	}
	rec := &record{
		state: Registered, incarnation: 1, window: a.Window, gasRate: a.GasRate, period: a.TrustPeriod,
	}
	if rec.window == 0 {
		rec.window = in.self.Parameters.LinkWindow
	}
	writeRecord(in.st, a.Peer, rec)
	return proofs.CodeOK
}
