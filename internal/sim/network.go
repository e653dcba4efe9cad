package sim

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"

	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/execution"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/internal/memstate/memnet"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// startTime is the zero-states' time, ms.
const startTime = 1_700_000_000_000

// The accounts of a network and what each owns at first.
const (
	accounts = 4
	funds    = 1_000_000_000
)

// identity is one simulated validator, before it has a weight.
type identity struct {
	secret *bls.SecretKey
	node   ed25519.PrivateKey
	member proofs.Validator
}

// network is one network of a world.
type network struct {
	index    int
	zero     *proofs.Zero
	genesis  []merkle.KV
	ids      []identity
	users    []memnet.User
	nodes    []*Node
	ledger   *ledger
	anchor   consensus.Anchor
	executed types.Executed
	salt     uint64
}

// A foundation is what all runs of a scenario share: proving possession of keys
// is the slow part, and nothing of it ever changes.
type foundation struct {
	zero     *proofs.Zero
	genesis  []merkle.KV
	ids      []identity
	users    []memnet.User
	anchor   consensus.Anchor
	executed types.Executed
}

var (
	identityCache   sync.Map // [2]int{network, members} → []identity
	setCache        sync.Map // string → *proofs.ValidatorSet
	foundationCache sync.Map // string → *foundation
)

// cached returns what make made for key, once. Two goroutines may make the same.
func cached[T any](m *sync.Map, key any, make func() (T, error)) (T, error) {
	if v, ok := m.Load(key); ok {
		return v.(T), nil
	}
	v, err := make()
	if err != nil {
		return v, err
	}
	actual, _ := m.LoadOrStore(key, v)
	return actual.(T), nil
}

// identities are the same in all runs, sorted by node key.
func identities(network, n int) ([]identity, error) {
	return cached(&identityCache, [2]int{network, n}, func() ([]identity, error) {
		ids := make([]identity, n)
		for i := range ids {
			seed := sha256.Sum256([]byte{'s', 'i', 'm', byte(network), byte(i)})
			key, err := bls.GenerateKey(bytes.NewReader(seed[:]))
			if err != nil {
				return nil, err
			}
			id := identity{secret: key, node: ed25519.NewKeyFromSeed(seed[:])}
			node := proofs.NodeKey(id.node.Public().(ed25519.PublicKey))
			id.member = proofs.Validator{Node: node, Key: key.PublicKey().Bytes(), Possession: key.ProvePossession(node)}
			ids[i] = id
		}
		slices.SortFunc(ids, func(a, b identity) int { return bytes.Compare(a.member.Node[:], b.member.Node[:]) })
		return ids, nil
	})
}

// setOf returns the set of those identities that have a weight, in order.
func setOf(network int, weights []uint64) (*proofs.ValidatorSet, error) {
	return cached(&setCache, fmt.Sprint(network, weights), func() (*proofs.ValidatorSet, error) {
		ids, err := identities(network, len(weights))
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
		return proofs.NewValidatorSet(members)
	})
}

func (s *Scenario) parameters(network int) proofs.Parameters {
	return proofs.Parameters{
		Name: fmt.Sprintf("sim%d", network), Symbol: "SIM", EpochDuration: s.Epoch, TrustPeriod: 1 << 40, MaxClockDrift: s.Drift,
		Heartbeat: s.Heartbeat, ViewTimeout: s.Floor, MaxLag: s.MaxLag, ExpiryWindow: 600, MessageLifetime: 600_000,
		BlockMessages: 200, BlockGas: 200 * execution.GasTransfer, BaseFee: 1, ByteFee: 1, GasPrice: 1,
		LinkWindow: 64, MaxPayload: 1024, ThresholdNum: 2, ThresholdDen: 3,
	}
}

// found lays the foundation of one network of a scenario.
func (s *Scenario) found(network int) (*foundation, error) {
	p := s.parameters(network)
	return cached(&foundationCache, fmt.Sprint(network, s.Weights, s.Epoch, s.Drift, s.Heartbeat, s.Floor, s.MaxLag), func() (*foundation, error) {
		set, err := setOf(network, s.Weights)
		if err != nil {
			return nil, err
		}
		f := new(foundation)
		if f.ids, err = identities(network, len(s.Weights)); err != nil {
			return nil, err
		}
		var allocations []execution.Allocation
		for i := range accounts {
			u := memnet.NewUser(fmt.Sprintf("sim %d %d", network, i))
			f.users = append(f.users, u)
			allocations = append(allocations, execution.Allocation{Account: u.Account, Amount: proofs.NewAmount(funds)})
		}
		if f.genesis, err = execution.Genesis(allocations, set); err != nil {
			return nil, err
		}
		root, err := merkle.TrieRoot(f.genesis)
		if err != nil {
			return nil, err
		}
		z := proofs.ZeroHeader{Version: proofs.Version, Time: startTime, Validators: set.Members(), StateRoot: root, Parameters: p}
		if f.zero, err = z.Check(); err != nil {
			return nil, err
		}
		if f.anchor, err = consensus.ZeroAnchor(f.zero); err != nil {
			return nil, err
		}
		f.executed, err = consensus.ZeroExecuted(f.zero)
		return f, err
	})
}

// newNetwork builds a network whose nodes have not started.
func newNetwork(w *World, index int) (*network, error) {
	f, err := w.scenario.found(index)
	if err != nil {
		return nil, err
	}
	net := &network{
		index: index, zero: f.zero, genesis: f.genesis, ids: f.ids, users: f.users, anchor: f.anchor, executed: f.executed,
	}
	net.ledger = newLedger(w, net)
	w.nets = append(w.nets, net)
	for i := range w.scenario.Weights {
		newNode(w, net, i)
	}
	if index == 0 {
		for _, i := range w.scenario.Twins {
			newNode(w, net, i)
		}
	}
	return net, nil
}

// of returns the nodes that run with a key: two if they are twins.
func (net *network) of(key proofs.NodeKey) (nodes []*Node) {
	for _, n := range net.nodes {
		if n.key == key {
			nodes = append(nodes, n)
		}
	}
	return nodes
}
