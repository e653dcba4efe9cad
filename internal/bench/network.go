package bench

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/big"
	"slices"

	"github.com/isthmus-network/isthmus/bootstrap"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
)

// order is the order of the group of BLS12-381, the modulus of secret keys.
var order, _ = new(big.Int).SetString("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001", 16)

// seat is a validator with its secret.
type seat struct {
	proofs.Validator
	secret *big.Int
}

// newSeat makes the validator that number n names: always the same.
func newSeat(n int) (seat, error) {
	seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("isthmus bench validator"), uint64(n)))
	key, err := bls.GenerateKey(bytes.NewReader(seed[:]))
	if err != nil {
		return seat{}, err
	}
	s := seat{secret: new(big.Int).SetBytes(key.Bytes())}
	s.Node, s.Weight = sha256.Sum256(seed[:]), 1
	s.Key, s.Possession = key.PublicKey().Bytes(), key.ProvePossession(s.Node)
	return s, nil
}

// committee is seats in the order of a validator set.
type committee []seat

func newCommittee(seats []seat) committee {
	c := slices.Clone(seats)
	slices.SortFunc(c, func(a, b seat) int { return bytes.Compare(a.Node[:], b.Node[:]) })
	return c
}

func (c committee) members() []proofs.Validator {
	members := make([]proofs.Validator, len(c))
	for i := range c {
		members[i] = c[i].Validator
	}
	return members
}

// hash is that of the validator set (docs/spec/header.md), without the proof of
// all possessions that making a set begins with.
func (c committee) hash() proofs.Hash {
	l := proofs.NewLayout(proofs.HomeNetwork, proofs.TypeValidatorSet).U32(uint32(len(c)))
	for i := range c {
		l.Hash(c[i].Node).Fixed(c[i].Key[:]).U64(c[i].Weight).Fixed(c[i].Possession[:])
	}
	return l.Sum()
}

// finalize signs header h by the smallest quorum, who is in it differing from
// height to height as it does in a network: so many in a row, round the table.
func (c committee) finalize(h *proofs.Header) (proofs.Certificate, error) {
	cert := proofs.Certificate{View: h.Height, ParentView: h.Height - 1}
	vote := proofs.Vote{Kind: proofs.TypeFinalize, Epoch: h.Epoch, SetHash: h.SetHash, View: cert.View, ParentView: cert.ParentView, Header: h.ID()}
	cert.Quorum.Bitmap = proofs.NewBitmap(len(c))
	sum := new(big.Int)
	for _, i := range quorum(len(c), h.Height) {
		proofs.SetBit(cert.Quorum.Bitmap, i)
		sum.Add(sum, c[i].secret)
	}
	key, err := bls.NewSecretKey(sum.Mod(sum, order).FillBytes(make([]byte, bls.SecretKeySize)))
	if err != nil {
		return cert, fmt.Errorf("sum of secrets: %w", err)
	}
	raw := key.Sign(vote.SigningBytes(h.Network))
	point, err := bls.ParseVote(raw[:])
	if err != nil {
		return cert, err
	}
	sig, err := bls.Aggregate([]bls.Point{point})
	cert.Quorum.Signature = sig.Bytes()
	return cert, err
}

// quorum picks the fewest of n that are more than two thirds: a different choice
// for almost every seed.
func quorum(n int, seed uint64) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	draw := sha256.Sum256(binary.BigEndian.AppendUint64(nil, seed))
	for i := range all {
		j := i + int(draw[i%len(draw)])%(n-i)
		all[i], all[j] = all[j], all[i]
	}
	return all[:2*n/3+1]
}

// found makes the network whose first validators are c.
func found(c committee) (*proofs.Zero, error) {
	z := proofs.ZeroHeader{Version: proofs.Version, Time: 1_700_000_000_000, Validators: c.members(), StateRoot: proofs.Hash{1}}
	z.Parameters = bootstrap.DefaultParameters("bench", "BEN", 9)
	return z.Check()
}
