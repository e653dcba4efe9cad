package bls

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Sum is the weighted sum of some certificates' verification equations: all of
// them hold, or, but for a chance of 2⁻¹²⁸, [Sum.Verify] fails. Sums of parts of a
// batch may be made at the same time and then added with [Sum.Merge].
//
// With a weight r for each certificate (σ, H, signers) it is
//
//	Π e(Σ r·H over the certificates that the key signed, key) = e(Σ r·σ, g2)
//
// with one factor for each different key: pairings grow with the keys, not with
// the certificates. It is the small exponents test of Bellare, Garay and Rabin
// (1998) for BLS; nothing is assumed of the messages, which may repeat. The zero
// value is the sum of nothing: something may be merged into it, and it does not
// verify.
type Sum struct {
	keys   []*PublicKey // all different, in the order in which they came
	places map[g2]int   // of a key in keys
	hashes []running    // for each key: the weighted sum of what it signed
	sig    running
}

// SumCertificates weighs and adds certificates. What is random must be unknown to
// those who made them: the weights are what keeps two errors from cancelling.
//
// Every signature is checked to be in the subgroup, which takes a quarter of the
// time. The sum alone would not do: the group around G1 has a part of order
// three, where a weight is zero with a chance of one in three.
//
// Errors: ErrEmpty, ErrRandomness, and *[BadCertificateError] with what
// [Certificate.Verify] says before its pairing.
func SumCertificates(batch []Certificate, rand io.Reader) (*Sum, error) {
	if len(batch) == 0 {
		return nil, fmt.Errorf("%w: no certificates", ErrEmpty)
	}
	sigs := make([]g1, len(batch))
	for i := range batch {
		sig, err := batch[i].parse()
		if err != nil {
			return nil, &BadCertificateError{Index: i, Err: err}
		}
		sigs[i] = sig.point
	}
	weights, err := drawWeights(len(batch), rand)
	if err != nil {
		return nil, err
	}
	s := &Sum{sig: weightedSum(sigs, weights)}
	for _, g := range s.group(batch, weights) {
		part := weightedSum(g.hashes, g.weights)
		for _, place := range g.signers {
			curve.Join(&s.hashes[place], &part)
		}
	}
	return s, nil
}

// group is the certificates that the same keys signed: they are weighed together.
type group struct {
	signers []int // places of keys
	hashes  []g1
	weights [][weightSize]byte
}

func (s *Sum) group(batch []Certificate, weights [][weightSize]byte) (groups []*group) {
	bySigners := make(map[string]*group)
	for i := range batch {
		c := &batch[i]
		signers, name := make([]int, len(c.Keys)), make([]byte, 0, 4*len(c.Keys))
		for k, pk := range c.Keys {
			signers[k] = s.place(pk)
			name = binary.BigEndian.AppendUint32(name, uint32(signers[k]))
		}
		g := bySigners[string(name)]
		if g == nil {
			g = &group{signers: signers}
			bySigners[string(name)] = g
			groups = append(groups, g)
		}
		g.hashes = append(g.hashes, curve.HashG1(c.Msg, c.dst()))
		g.weights = append(g.weights, weights[i])
	}
	return groups
}

// place finds a key by its value, or adds it.
func (s *Sum) place(pk *PublicKey) int {
	i, found := s.places[pk.point]
	if !found {
		if s.places == nil {
			s.places = make(map[g2]int)
		}
		i = len(s.keys)
		s.places[pk.point] = i
		s.keys = append(s.keys, pk)
		s.hashes = append(s.hashes, running{})
	}
	return i
}

// Merge adds other, whose weights were drawn independently, to s. other does not
// change.
func (s *Sum) Merge(other *Sum) {
	for i, pk := range other.keys {
		curve.Join(&s.hashes[s.place(pk)], &other.hashes[i])
	}
	curve.Join(&s.sig, &other.sig)
}

// Verify checks the equation: as many pairings as there are different keys, and
// one. ErrSignature says that at least one certificate does not hold, not which:
// ask [VerifyMany].
func (s *Sum) Verify() error {
	points, keys := make([]g1, len(s.keys)), make([]*g2, len(s.keys))
	for i := range s.keys {
		points[i], keys[i] = curve.Affine(&s.hashes[i]), &s.keys[i].point
	}
	sig := curve.Affine(&s.sig)
	if len(keys) == 0 || !curve.VerifyProduct(points, keys, &sig) {
		return fmt.Errorf("%w: certificates of %d keys together", ErrSignature, len(keys))
	}
	return nil
}
