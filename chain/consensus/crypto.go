package consensus

import (
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
)

// BLS is the real [Crypto]: BLS12-381 as in proofs/bls.
type BLS struct{ key *bls.SecretKey }

// NewBLS returns the Crypto of the holder of key. An observer may pass nil and is
// then never asked to sign.
func NewBLS(key *bls.SecretKey) *BLS { return &BLS{key: key} }

// Sign signs msg.
func (b *BLS) Sign(msg []byte) [bls.VoteSize]byte { return b.key.Sign(msg) }

// Verify checks a certificate of more than two thirds of the weight.
func (b *BLS) Verify(set *proofs.ValidatorSet, msg []byte, agg *proofs.Aggregate) error {
	return agg.Verify(set, msg, 2, 3)
}

// Combine aggregates votes: one sum, one subgroup check and one pairing check if
// all is well, and about 2·log2(n) more for each bad vote.
func (b *BLS) Combine(set *proofs.ValidatorSet, msg []byte, voters []int, votes [][bls.VoteSize]byte) (proofs.Aggregate, []int) {
	c := combination{set: set, msg: msg}
	var bad []int
	for i, voter := range voters {
		p, err := bls.ParseVote(votes[i][:])
		if err != nil {
			bad = append(bad, i)
			continue
		}
		c.add(i, voter, p)
	}
	if agg, ok := c.aggregate(); ok {
		return agg, bad
	}
	for _, i := range c.dropInvalid() {
		bad = insertSorted(bad, i)
	}
	if agg, ok := c.aggregate(); ok {
		return agg, bad
	}
	all := make([]int, len(voters))
	for i := range all {
		all[i] = i
	}
	return proofs.Aggregate{}, all
}

// combination is a set of parsed votes over one message.
type combination struct {
	set    *proofs.ValidatorSet
	msg    []byte
	places []int // in the caller's list
	voters []int
	keys   []*bls.PublicKey
	points []bls.Point
}

func (c *combination) add(place, voter int, p bls.Point) {
	c.places = append(c.places, place)
	c.voters = append(c.voters, voter)
	c.keys = append(c.keys, c.set.Key(voter))
	c.points = append(c.points, p)
}

// aggregate sums and verifies what is there.
func (c *combination) aggregate() (agg proofs.Aggregate, ok bool) {
	sig, err := bls.Aggregate(c.points)
	if err != nil || bls.VerifyAggregate(c.keys, c.msg, sig) != nil {
		return proofs.Aggregate{}, false
	}
	agg.Bitmap, agg.Signature = proofs.NewBitmap(c.set.Len()), sig.Bytes()
	for _, v := range c.voters {
		proofs.SetBit(agg.Bitmap, v)
	}
	return agg, true
}

// dropInvalid removes the votes that fail alone and returns their places.
func (c *combination) dropInvalid() (places []int) {
	bad := bls.FindInvalid(c.keys, c.msg, c.points)
	rest := combination{set: c.set, msg: c.msg}
	for i := range c.points {
		if len(bad) > 0 && bad[0] == i {
			places, bad = append(places, c.places[i]), bad[1:]
			continue
		}
		rest.add(c.places[i], c.voters[i], c.points[i])
	}
	*c = rest
	return places
}

func insertSorted(s []int, v int) []int {
	i := len(s)
	for i > 0 && s[i-1] > v {
		i--
	}
	s = append(s, 0)
	copy(s[i+1:], s[i:])
	s[i] = v
	return s
}
