package merkle

import "fmt"

// ErrorKind is the class of an error of this package. The kinds are constants: test with errors.Is. The text of a kind is
// also the wantErr of the vectors in testdata.
type ErrorKind string

// Error returns the kind, prefixed with the package's name.
func (k ErrorKind) Error() string { return "merkle: " + string(k) }

// The kinds. When a proof from outside gives any of them, the proof is bad: drop it and penalise its source. ErrNodeCount,
// ErrRange and ErrDuplicateKey can also be the caller's own mistake.
const (
	// ErrRootMismatch: the recomputed root is not the trusted one. The error is a *RootMismatchError.
	ErrRootMismatch ErrorKind = "root mismatch"
	// ErrIndex: a leaf index is not below the size of its log.
	ErrIndex ErrorKind = "index out of range"
	// ErrProofLength: an inclusion proof has not the exact number of hashes that index and size ask for.
	ErrProofLength ErrorKind = "proof length"
	// ErrRange: bounds of a range are reversed, do not meet, pass 2^64-1, or do not begin at 0 where a root is asked for.
	ErrRange ErrorKind = "range bounds"
	// ErrNodeCount: a compact range has not the exact number of nodes that its bounds ask for.
	ErrNodeCount ErrorKind = "node count"
	// ErrTrieShape: a trie proof has bits that do not rise, too many steps, or a leaf where none belongs or none where one does.
	ErrTrieShape ErrorKind = "trie proof shape"
	// ErrKeyPresent: a proof of absence ends at the very key that it should show absent.
	ErrKeyPresent ErrorKind = "key present"
	// ErrNeighbour: a proof of absence ends at a leaf that the path of the absent key cannot reach.
	ErrNeighbour ErrorKind = "neighbour off the path"
	// ErrEncoding: bytes are not the canonical form of a trie proof.
	ErrEncoding ErrorKind = "trie proof encoding"
	// ErrRangeEntries: pairs are not those that a range proof shows.
	ErrRangeEntries ErrorKind = "pairs differ from the range"
	// ErrDuplicateKey: a key occurs twice among the pairs of a trie.
	ErrDuplicateKey ErrorKind = "duplicate key"
)

// RootMismatchError says which root a proof leads to, and which one is trusted. It is of the kind ErrRootMismatch.
type RootMismatchError struct {
	Got  Hash // recomputed from the proof
	Want Hash // trusted
}

// Error names both roots.
func (e *RootMismatchError) Error() string {
	return fmt.Sprintf("%v: got %x, want %x", ErrRootMismatch, e.Got, e.Want)
}

// Is reports whether target is ErrRootMismatch.
func (e *RootMismatchError) Is(target error) bool { return target == ErrRootMismatch }

func matchRoot(got, want Hash) error {
	if got != want {
		return &RootMismatchError{Got: got, Want: want}
	}
	return nil
}
