package merkle

import "crypto/sha256"

// Hash is a SHA-256 digest.
type Hash = [32]byte

// Domain tags: the first byte of everything this package hashes. Logs: RFC 6962 section 2.1. Trie: docs/spec/merkle.md.
const (
	tagLogLeaf   = 0x00
	tagLogNode   = 0x01
	tagTrieLeaf  = 0x10
	tagTrieNode  = 0x11
	tagTrieEmpty = 0x12
)

// leafOnStack is the longest leaf that LeafHash copies instead of streaming.
const leafOnStack = 511

// LeafHash returns the hash of a log's leaf: SHA-256(0x00 ‖ data).
func LeafHash(data []byte) Hash {
	if len(data) <= leafOnStack {
		var buf [1 + leafOnStack]byte
		buf[0] = tagLogLeaf
		n := copy(buf[1:], data)
		return sha256.Sum256(buf[:1+n])
	}
	h := sha256.New()
	h.Write([]byte{tagLogLeaf})
	h.Write(data)
	var out Hash
	h.Sum(out[:0])
	return out
}

// NodeHash returns the hash of a log's inner node: SHA-256(0x01 ‖ left ‖ right).
func NodeHash(left, right Hash) Hash {
	var buf [65]byte
	buf[0] = tagLogNode
	copy(buf[1:], left[:])
	copy(buf[33:], right[:])
	return sha256.Sum256(buf[:])
}

// EmptyRoot returns the root of the log without leaves: SHA-256 of nothing.
func EmptyRoot() Hash { return sha256.Sum256(nil) }

// KeyHash returns the place of a raw key in the trie: SHA-256(key).
func KeyHash(key []byte) Hash { return sha256.Sum256(key) }

// ValueHash returns what a trie's leaf holds of its value: SHA-256(value).
func ValueHash(value []byte) Hash { return sha256.Sum256(value) }

// TrieLeaf returns the hash of a trie's leaf: SHA-256(0x10 ‖ keyHash ‖ valueHash).
func TrieLeaf(keyHash, valueHash Hash) Hash {
	var buf [65]byte
	buf[0] = tagTrieLeaf
	copy(buf[1:], keyHash[:])
	copy(buf[33:], valueHash[:])
	return sha256.Sum256(buf[:])
}

// TrieNode returns the hash of a trie's inner node: SHA-256(0x11 ‖ bit ‖ left ‖ right). bit is the first one, counted from
// the most significant, in which the key hashes below differ; it is 0 below left and 1 below right.
func TrieNode(bit uint8, left, right Hash) Hash {
	var buf [66]byte
	buf[0] = tagTrieNode
	buf[1] = bit
	copy(buf[2:], left[:])
	copy(buf[34:], right[:])
	return sha256.Sum256(buf[:])
}

// TrieEmpty returns the root of the trie without leaves: SHA-256(0x12).
func TrieEmpty() Hash { return sha256.Sum256([]byte{tagTrieEmpty}) }
