package lanes_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"

	"github.com/isthmus-network/isthmus/chain/lanes"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
)

var network = proofs.NetworkID{1, 2, 3}

// member is a validator with its keys; members are sorted like the set.
type member struct {
	key ed25519.PrivateKey
	v   proofs.Validator
}

func (m *member) SignCar(c *types.Car)      { c.Sign(network, m.key) }
func (m *member) SignVote(v *types.CarVote) { v.Sign(network, m.key) }
func (m *member) node() proofs.NodeKey      { return m.v.Node }

func newMembers(t testing.TB, n int) []*member {
	t.Helper()
	out := make([]*member, n)
	for i := range out {
		seed := sha256.Sum256(fmt.Appendf(nil, "lane member %d", i))
		m := &member{key: ed25519.NewKeyFromSeed(seed[:])}
		secret, err := bls.GenerateKey(bytes.NewReader(bytes.Repeat(seed[:], 8)))
		if err != nil {
			t.Fatal(err)
		}
		copy(m.v.Node[:], m.key.Public().(ed25519.PublicKey))
		m.v.Key, m.v.Weight = secret.PublicKey().Bytes(), 1
		m.v.Possession = secret.ProvePossession(m.v.Node)
		out[i] = m
	}
	slices.SortFunc(out, func(a, b *member) int { return bytes.Compare(a.v.Node[:], b.v.Node[:]) })
	return out
}

func newSet(t testing.TB, members []*member) *proofs.ValidatorSet {
	t.Helper()
	vs := make([]proofs.Validator, len(members))
	for i, m := range members {
		vs[i] = m.v
	}
	set, err := proofs.NewValidatorSet(vs)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func digestOf(format string, args ...any) proofs.Hash {
	return sha256.Sum256(fmt.Appendf(nil, format, args...))
}

// car signs a car of lane by key.
func car(m *member, epoch uint64, lane uint32, height uint64, parent proofs.Hash, batches ...proofs.Hash) types.Car {
	c := types.Car{Epoch: epoch, Lane: lane, Height: height, Parent: parent, Batches: batches}
	m.SignCar(&c)
	return c
}

func tipOf(c types.Car) types.Tip {
	return types.Tip{Lane: c.Lane, Height: c.Height, Digest: c.Digest(network)}
}

func certificate(members []*member, c types.Car, voters ...uint32) types.CarCertificate {
	cert := types.CarCertificate{Epoch: c.Epoch, Tip: tipOf(c)}
	for _, i := range voters {
		v := types.CarVote{Epoch: c.Epoch, Tip: cert.Tip, Voter: i}
		members[i].SignVote(&v)
		cert.Votes = append(cert.Votes, types.CarSignature{Voter: i, Signature: v.Signature})
	}
	return cert
}

// scene is machine 0 among four validators, in epoch 1.
type scene struct {
	t       *testing.T
	members []*member
	set     *proofs.ValidatorSet
	m       *lanes.Machine
	now     uint64
	height  uint64
	cut     types.Cut
}

func newScene(t *testing.T) *scene {
	members := newMembers(t, 4)
	s := &scene{t: t, members: members, set: newSet(t, members), now: 1_000_000, cut: types.NewCut(4)}
	s.m = s.machine(lanes.Start{Epoch: 1, Set: s.set, Committed: s.cut})
	return s
}

func (s *scene) machine(start lanes.Start) *lanes.Machine {
	return lanes.New(lanes.Config{Network: network, Node: s.members[0].node(), Signer: s.members[0],
		Limits: lanes.Limits{Window: 8, Unlinked: 4, Holds: 2, Orphans: 3, Early: 2}}, start)
}

func (s *scene) step(in lanes.Input) lanes.Output {
	s.t.Helper()
	out := s.m.Step(s.now, in)
	return out
}

// ok steps and wants no refusal.
func (s *scene) ok(in lanes.Input) lanes.Output {
	s.t.Helper()
	out := s.step(in)
	if len(out.Refused) != 0 {
		s.t.Fatalf("%T: refused: %v", in, out.Refused[0].Err)
	}
	return out
}

func (s *scene) later(ms uint64) lanes.Output {
	s.now += ms
	return s.ok(lanes.TickIn{})
}

// final makes the next block final, with these tips.
func (s *scene) final(tips ...types.Tip) lanes.Output {
	s.t.Helper()
	cut := types.Cut{Tips: slices.Clone(s.cut.Tips)}
	for _, t := range tips {
		cut.Tips[t.Lane] = t
	}
	s.height++
	in := lanes.Final{Base: s.cut}
	in.Block.Block.Header = proofs.Header{Epoch: 1, Height: s.height}
	in.Block.Block.Cut = cut
	s.cut = cut
	return s.ok(in)
}

func votesOf(out lanes.Output) (votes []types.CarVote) {
	for _, s := range out.Sends {
		if s.Vote != nil {
			votes = append(votes, *s.Vote)
		}
	}
	return votes
}

func carsOf(out lanes.Output) (cars []types.Car) {
	for _, s := range out.Sends {
		if s.Car != nil {
			cars = append(cars, *s.Car)
		}
	}
	return cars
}
