package naive

import (
	"fmt"
	"slices"
	"strings"
)

// ProveRange returns the bytes of the proof of the key hashes [from, to]. Key hashes and places are written as strings of
// binary digits, which compare as the hashes do.
func ProveRange(entries []Entry, from, to Hash) []byte {
	if len(entries) == 0 {
		return []byte{0}
	}
	entries = slices.Clone(entries)
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(digits(a.KeyHash), digits(b.KeyHash)) })
	return show(entries, "", digits(from), digits(to))
}

func digits(h Hash) string {
	var b strings.Builder
	for _, x := range h {
		fmt.Fprintf(&b, "%08b", x)
	}
	return b.String()
}

// outside: the lowest hash with this prefix is above to, or the highest below from.
func outside(prefix, from, to string) bool {
	rest := 256 - len(prefix)
	return prefix+strings.Repeat("0", rest) > to || prefix+strings.Repeat("1", rest) < from
}

func show(entries []Entry, prefix, from, to string) []byte {
	h := TrieRoot(entries)
	if outside(prefix, from, to) {
		return append([]byte{3}, h[:]...)
	}
	if len(entries) == 1 {
		return leafBytes(entries[0])
	}
	shared := common(entries)
	out, sides := []byte{2, byte(len(shared))}, part(entries, len(shared))
	if outside(shared, from, to) {
		return append(out, leftmost(sides)...)
	}
	out = append(out, show(sides[0], shared+"0", from, to)...)
	return append(out, show(sides[1], shared+"1", from, to)...)
}

// leftmost shows the way to the first entry of the left side, and the hash of the right one.
func leftmost(sides [2][]Entry) []byte {
	var out []byte
	if len(sides[0]) == 1 {
		out = leafBytes(sides[0][0])
	} else {
		bit := len(common(sides[0]))
		out = append([]byte{2, byte(bit)}, leftmost(part(sides[0], bit))...)
	}
	h := TrieRoot(sides[1])
	return append(append(out, 3), h[:]...)
}

func leafBytes(e Entry) []byte {
	return append(append([]byte{1}, e.KeyHash[:]...), e.ValueHash[:]...)
}

// common returns the digits that all entries share.
func common(entries []Entry) string {
	shared := digits(entries[0].KeyHash)
	for _, e := range entries[1:] {
		for !strings.HasPrefix(digits(e.KeyHash), shared) {
			shared = shared[:len(shared)-1]
		}
	}
	return shared
}
