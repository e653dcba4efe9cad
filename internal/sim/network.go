package sim

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
)

// maxMembers is how many validators a scenario can have.
const maxMembers = 10

// startTime is the zero-state's time, ms.
const startTime = 1_700_000_000_000

// identity is one simulated validator, before it has a weight.
type identity struct {
	secret *bls.SecretKey
	member proofs.Validator
}

// identities are the same in all runs: proving possession is the slow part.
var identities = sync.OnceValues(func() ([]identity, error) {
	ids := make([]identity, maxMembers)
	for i := range ids {
		seed := sha256.Sum256([]byte{'s', 'i', 'm', byte(i)})
		key, err := bls.GenerateKey(bytes.NewReader(seed[:]))
		if err != nil {
			return nil, err
		}
		node := proofs.NodeKey(sha256.Sum256(seed[:]))
		ids[i] = identity{secret: key, member: proofs.Validator{
			Node: node, Key: key.PublicKey().Bytes(), Possession: key.ProvePossession(node),
		}}
	}
	slices.SortFunc(ids, func(a, b identity) int { return bytes.Compare(a.member.Node[:], b.member.Node[:]) })
	return ids, nil
})

var setCache sync.Map // of string to *proofs.ValidatorSet: sets are immutable

// setOf returns the set of those identities that have a weight, in order.
func setOf(weights []uint64) (*proofs.ValidatorSet, error) {
	name := fmt.Sprint(weights)
	if s, ok := setCache.Load(name); ok {
		return s.(*proofs.ValidatorSet), nil
	}
	ids, err := identities()
	if err != nil {
		return nil, err
	}
	var members []proofs.Validator
	for i, w := range weights {
		if w > 0 {
			m := ids[i].member
			m.Weight = w
			members = append(members, m)
		}
	}
	s, err := proofs.NewValidatorSet(members)
	if err == nil {
		setCache.Store(name, s)
	}
	return s, err
}

// zeroOf makes the zero-header of a scenario's network.
func zeroOf(s *Scenario) (*proofs.Zero, error) {
	set, err := setOf(s.Weights)
	if err != nil {
		return nil, err
	}
	z := proofs.ZeroHeader{
		Version: proofs.Version, Time: startTime, Validators: set.Members(), StateRoot: proofs.Hash{1},
		Parameters: proofs.Parameters{
			Name: "sim", Symbol: "SIM", EpochDuration: s.Epoch, TrustPeriod: 1 << 40, MaxClockDrift: s.Drift,
			Heartbeat: s.Heartbeat, ViewTimeout: s.Floor, MaxLag: s.MaxLag, ExpiryWindow: 60, MessageLifetime: 60_000,
			BlockMessages: 1, BlockGas: 1, LinkWindow: 1, ThresholdNum: 2, ThresholdDen: 3,
		},
	}
	return z.Check()
}
