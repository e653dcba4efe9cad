package sim

import "testing"

// TestCostGrowsLinearly: what a validator sends, signs and checks in a view grows no
// faster than the number of validators, and pairing checks do not grow at all.
func TestCostGrowsLinearly(t *testing.T) {
	t.Parallel()
	var first Cost
	for _, n := range []int{10, 50, 100} {
		c, err := Measure(n)
		if err != nil {
			t.Fatal(err)
		}
		t.Log(c)
		if n == 10 {
			first = c
			continue
		}
		times := float64(n) / float64(first.N)
		for _, m := range []struct {
			what       string
			got, first float64
			most       float64
		}{
			{"bytes", c.Bytes, first.Bytes, times}, {"votes", c.Votes, first.Votes, times}, {"votes summed", c.Summed, first.Summed, times},
			{"votes signed", c.Signed, first.Signed, 1}, {"pairing checks", c.Pairings, first.Pairings, 1},
		} {
			if m.got > 1.25*m.most*m.first {
				t.Errorf("%s of each validator in a view: %.1f with %d validators, %.1f with %d: want at most %.0f times as many", m.what, m.got, n, m.first, first.N, m.most)
			}
		}
	}
}
