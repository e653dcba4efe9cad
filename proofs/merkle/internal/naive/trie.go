package naive

// Pair is a raw key and its value.
type Pair struct{ Key, Value []byte }

// Entry is what a trie's leaf holds.
type Entry struct{ KeyHash, ValueHash Hash }

// Step is one inner node on a path.
type Step struct {
	Bit     uint8
	Sibling Hash
}

// Entries hashes pairs.
func Entries(pairs []Pair) []Entry {
	out := make([]Entry, len(pairs))
	for i, p := range pairs {
		out[i] = Entry{sum(p.Key), sum(p.Value)}
	}
	return out
}

// TrieRoot returns the root of the trie with these distinct entries, in any order.
func TrieRoot(entries []Entry) Hash {
	if len(entries) == 0 {
		return sum([]byte{0x12})
	}
	return subtrie(entries, 0)
}

// subtrie tries one bit after the other, and makes a node of each that parts the entries.
func subtrie(entries []Entry, bit int) Hash {
	if len(entries) == 1 {
		return entries[0].hash()
	}
	sides := part(entries, bit)
	if len(sides[0]) == 0 || len(sides[1]) == 0 {
		return subtrie(entries, bit+1)
	}
	l, r := subtrie(sides[0], bit+1), subtrie(sides[1], bit+1)
	return sum([]byte{0x11, byte(bit)}, l[:], r[:])
}

// Prove follows the bits of keyHash from the root downwards. It returns the steps and the entry at their end; none of
// either in the empty trie.
func Prove(entries []Entry, keyHash Hash) ([]Step, *Entry) {
	if len(entries) == 0 {
		return nil, nil
	}
	var steps []Step
	for bit := 0; len(entries) > 1; bit++ {
		sides := part(entries, bit)
		if len(sides[0]) == 0 || len(sides[1]) == 0 {
			continue
		}
		b := bitOf(keyHash, bit)
		steps = append(steps, Step{uint8(bit), subtrie(sides[1-b], bit+1)})
		entries = sides[b]
	}
	return steps, &entries[0]
}

func (e Entry) hash() Hash { return sum([]byte{0x10}, e.KeyHash[:], e.ValueHash[:]) }

func part(entries []Entry, bit int) (sides [2][]Entry) {
	for _, e := range entries {
		b := bitOf(e.KeyHash, bit)
		sides[b] = append(sides[b], e)
	}
	return sides
}

func bitOf(h Hash, bit int) int {
	if h[bit/8]&(0x80>>(bit%8)) != 0 {
		return 1
	}
	return 0
}
