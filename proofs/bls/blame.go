package bls

// FindInvalid returns, in ascending order, the indexes of the votes that fail
// under their own key, votes[i] under pks[i], by bisection: one verification
// if all is well, about 2·log2(n) for each bad vote, never more than 2n.
//
// A vote is named only after it failed alone, so nobody is blamed for another.
// What is not named aggregates: the sum of the rest verifies, unless nothing
// is left or keys cancel to infinity. The converse does not hold: bad votes
// that cancel each other may pass together, and do so again in a certificate;
// apart they are found the next time. An index without both a key and a vote
// is invalid.
func FindInvalid(pks []*PublicKey, msg []byte, votes []Point) (bad []int) {
	n := min(len(pks), len(votes))
	s := search{pks: pks[:n], votes: votes[:n], msg: msg}
	s.descend(0, n, false)
	for i := n; i < max(len(pks), len(votes)); i++ {
		s.bad = append(s.bad, i)
	}
	return s.bad
}

// search is one bisection.
type search struct {
	pks   []*PublicKey
	votes []Point
	msg   []byte
	bad   []int
}

// descend names the bad votes in [lo, hi) and reports whether there may be
// any. With known, the range is known to fail as a whole: the check that would
// say so again is spared, except for a single vote.
func (s *search) descend(lo, hi int, known bool) bool {
	switch {
	case lo == hi:
		return false
	case hi-lo == 1:
		if Verify(s.pks[lo], s.msg, s.votes[lo]) == nil {
			return false
		}
		s.bad = append(s.bad, lo)
		return true
	case !known && s.holds(lo, hi):
		return false
	}
	mid := lo + (hi-lo)/2
	left := s.descend(lo, mid, false)
	s.descend(mid, hi, !left)
	return true
}

// holds reports whether the aggregate of [lo, hi) verifies.
func (s *search) holds(lo, hi int) bool {
	sig, err := Aggregate(s.votes[lo:hi])
	return err == nil && VerifyAggregate(s.pks[lo:hi], s.msg, sig) == nil
}
