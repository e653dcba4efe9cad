package state

import (
	"bytes"
	"encoding/binary"

	"github.com/isthmus-network/isthmus/chain/store"
)

// Key spaces in the store. Numbers are big-endian so that they sort.
const (
	spaceHead    = "sv" // → head
	spaceRoot    = "sr" // version(8) → root page(8) ‖ root(32)
	spaceFlat    = "sf" // raw key → value
	spaceHistory = "sh" // escaped key ‖ version(8) that overwrote → present(1) ‖ old value
	spacePage    = "sp" // page(8) → page
	spaceStale   = "st" // version(8) ‖ chunk(4) → store keys that only versions before it need
	spaceIndex   = "si" // raw key → value
	spaceName    = "sn" // log name → log id(8) ‖ pruned(8)
	spaceEntry   = "sl" // log id(8) ‖ index(8) → entry
	spaceTile    = "sm" // log id(8) ‖ tile level(1) ‖ tile index(8) → hashes
	spaceDropped = "sd" // log id(8) → the store key from which to go on deleting
)

func spaceKey(space string, key []byte) []byte {
	return append(append(make([]byte, 0, len(space)+len(key)), space...), key...)
}

func numberKey(space string, n uint64) []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, len(space)+8), space...), n)
}

func entryKey(id, index uint64) []byte {
	return binary.BigEndian.AppendUint64(numberKey(spaceEntry, id), index)
}

func tileKey(id uint64, level uint8, index uint64) []byte {
	return binary.BigEndian.AppendUint64(append(numberKey(spaceTile, id), level), index)
}

// escape encodes key so that no encoding is a prefix of another and order is kept: a
// zero byte becomes 00 FF, and 00 00 ends the key.
func escape(dst, key []byte) []byte {
	return append(escapePart(dst, key), 0, 0)
}

// escapePart is escape without the end: a prefix of the escapes of key's extensions.
func escapePart(dst, key []byte) []byte {
	for _, b := range key {
		dst = append(dst, b)
		if b == 0 {
			dst = append(dst, 0xff)
		}
	}
	return dst
}

// unescape undoes escape and returns what follows the end; ok is false for other bytes.
func unescape(b []byte) (key, rest []byte, ok bool) {
	key = make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != 0 {
			key = append(key, b[i])
			continue
		}
		if i++; i >= len(b) || b[i] != 0 && b[i] != 0xff {
			return nil, nil, false
		}
		if b[i] == 0 {
			return key, b[i+1:], true
		}
		key = append(key, 0)
	}
	return nil, nil, false
}

func historyKey(key []byte, version uint64) []byte {
	dst := append(make([]byte, 0, len(spaceHistory)+len(key)+10), spaceHistory...)
	return binary.BigEndian.AppendUint64(escape(dst, key), version)
}

// scan is the store's range of the keys of a space with this prefix, at or after from.
func scan(space string, prefix, from []byte) store.Range {
	r := store.Prefix(spaceKey(space, prefix))
	if bytes.Compare(from, prefix) > 0 {
		r.Start = spaceKey(space, from)
	}
	return r
}
