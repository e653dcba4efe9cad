package prooftest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
)

// Seat is a place in a committee: which keys (a number names a pair), and what
// weight.
type Seat struct {
	Keys   uint64
	Weight uint64
}

// Even returns n seats of weight 1, with the keys first, first+1, …
func Even(first uint64, n int) []Seat {
	seats := make([]Seat, n)
	for i := range seats {
		seats[i] = Seat{Keys: first + uint64(i), Weight: 1}
	}
	return seats
}

// identity is one validator's keys and its proof of possession.
type identity struct {
	node       proofs.NodeKey
	secret     *bls.SecretKey
	key        [bls.PublicKeySize]byte
	possession [bls.SignatureSize]byte
}

var identities sync.Map // uint64 → *identity: making one takes a millisecond

func identityOf(n uint64) *identity {
	if id, ok := identities.Load(n); ok {
		return id.(*identity)
	}
	id := &identity{secret: secretOf(n)}
	nodeSeed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("isthmus test node"), n))
	copy(id.node[:], ed25519.NewKeyFromSeed(nodeSeed[:]).Public().(ed25519.PublicKey))
	id.key = id.secret.PublicKey().Bytes()
	id.possession = id.secret.ProvePossession(id.node)
	identities.Store(n, id)
	return id
}

func secretOf(n uint64) *bls.SecretKey {
	seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("isthmus test bls"), n))
	return must(bls.GenerateKey(bytes.NewReader(seed[:])))
}

// Member returns the validator that sits on seat.
func Member(seat Seat) proofs.Validator {
	id := identityOf(seat.Keys)
	return proofs.Validator{Node: id.node, Key: id.key, Weight: seat.Weight, Possession: id.possession}
}

// Members returns the validators of seats in canonical order.
func Members(seats []Seat) []proofs.Validator {
	members := make([]proofs.Validator, len(seats))
	for i, s := range seats {
		members[i] = Member(s)
	}
	slices.SortFunc(members, func(a, b proofs.Validator) int { return bytes.Compare(a.Node[:], b.Node[:]) })
	return members
}

// Secret returns the BLS secret of the keys that number n names.
func Secret(n uint64) *bls.SecretKey { return identityOf(n).secret }

// Committee is a validator set that can sign.
type Committee struct {
	Set     *proofs.ValidatorSet
	secrets []*bls.SecretKey // in the order of the set
}

var committees sync.Map // seats as text → *Committee, which nobody changes

// NewCommittee seats validators.
func NewCommittee(seats ...Seat) *Committee {
	name := fmt.Sprint(seats)
	if c, ok := committees.Load(name); ok {
		return c.(*Committee)
	}
	c := &Committee{Set: must(proofs.NewValidatorSet(Members(seats)))}
	byKey := make(map[proofs.NodeKey]*bls.SecretKey, len(seats))
	for _, s := range seats {
		byKey[identityOf(s.Keys).node] = identityOf(s.Keys).secret
	}
	for i := range c.Set.Len() {
		c.secrets = append(c.secrets, byKey[c.Set.At(i).Node])
	}
	committees.Store(name, c)
	return c
}

// Everybody lists all places of the committee.
func (c *Committee) Everybody() []int {
	all := make([]int, c.Set.Len())
	for i := range all {
		all[i] = i
	}
	return all
}

// Sign returns what the members in places who make of msg together; all of them
// if none is named.
func (c *Committee) Sign(msg []byte, who ...int) proofs.Aggregate {
	if len(who) == 0 {
		who = c.Everybody()
	}
	a := proofs.Aggregate{Bitmap: proofs.NewBitmap(c.Set.Len())}
	votes := make([]bls.Point, len(who))
	for k, i := range who {
		proofs.SetBit(a.Bitmap, i)
		vote := c.secrets[i].Sign(msg)
		votes[k] = must(bls.ParseVote(vote[:]))
	}
	a.Signature = must(bls.Aggregate(votes)).Bytes()
	return a
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprintf("prooftest: %v", err))
	}
	return v
}
