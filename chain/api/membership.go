package api

import (
	v1 "github.com/isthmus-network/isthmus/chain/api/isthmus/v1"
	"github.com/isthmus-network/isthmus/proofs"
)

// Membership is a network's validator set in office, and the one that governance
// chose. They are the same when no change is on its way.
type Membership struct {
	Epoch    uint64      `json:"epoch"`
	EpochEnd uint64      `json:"epoch_end_ms"` // unless something delays its key block
	SetHash  proofs.Hash `json:"-"`
	Total    uint64      `json:"total"`

	NextHash    proofs.Hash `json:"-"` // of the chosen set
	NextTotal   uint64      `json:"next_total"`
	Sequence    uint64      `json:"sequence"`     // of the act that chose it; 0: it is the zero-state's
	ReadyWeight uint64      `json:"ready_weight"` // it comes into office with more than two thirds of NextTotal

	Members []Member `json:"validators"` // in order of node keys
}

// Pending reports whether the chosen set is not the one in office.
func (m *Membership) Pending() bool { return m.SetHash != m.NextHash }

// Member is a validator of the set in office, of the chosen set, or of both.
type Member struct {
	Node      proofs.NodeKey `json:"node"`
	Weight    uint64         `json:"weight"`      // 0: not in office
	Next      uint64         `json:"next_weight"` // 0: not chosen
	Ready     bool           `json:"ready"`       // it said so, of the chosen set
	Connected bool           `json:"connected"`   // to the node that was asked
}

func membershipToWire(m *Membership) *v1.ValidatorsResponse {
	w := &v1.ValidatorsResponse{
		Epoch: m.Epoch, EpochEndMs: m.EpochEnd, SetHash: hexOf(m.SetHash), Total: m.Total,
		NextSetHash: hexOf(m.NextHash), NextTotal: m.NextTotal, Sequence: m.Sequence, ReadyWeight: m.ReadyWeight,
	}
	for i := range m.Members {
		v := &m.Members[i]
		w.Validators = append(w.Validators, &v1.Validator{
			Node: v.Node.String(), Weight: v.Weight, NextWeight: v.Next, Ready: v.Ready, Connected: v.Connected,
		})
	}
	return w
}

func membershipFromWire(w *v1.ValidatorsResponse) (m *Membership, err error) {
	m = &Membership{
		Epoch: w.Epoch, EpochEnd: w.EpochEndMs, Total: w.Total, NextTotal: w.NextTotal, Sequence: w.Sequence, ReadyWeight: w.ReadyWeight,
	}
	if err := count("validators", len(w.Validators), 2*proofs.MaxValidators); err != nil {
		return nil, err
	}
	if m.SetHash, err = hashFrom("set hash", w.SetHash); err != nil {
		return nil, err
	}
	if m.NextHash, err = hashFrom("set hash", w.NextSetHash); err != nil {
		return nil, err
	}
	for _, v := range w.Validators {
		member := Member{Weight: v.Weight, Next: v.NextWeight, Ready: v.Ready, Connected: v.Connected}
		if err := id32(&member.Node, "node key", v.Node); err != nil {
			return nil, err
		}
		m.Members = append(m.Members, member)
	}
	return m, nil
}
