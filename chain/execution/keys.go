package execution

import (
	"encoding/binary"

	"github.com/isthmus-network/isthmus/proofs"
)

// The logs that execution writes, besides one for each closed dedup bucket.
const (
	ReceiptLog = "receipts" // entries are proofs.Receipt in wire form
	LocalLog   = "local"    // entries are proofs.Message in wire form
)

// BucketLog names the closed bucket of an expiry second: its leaves are the
// bodies that were executed with this expiry, sorted.
func BucketLog(second uint64) string { return proofs.BucketLog(second) }

const (
	balancePrefix = "bal/"
	dedupPrefix   = "dedup/"
)

var validatorsKey = []byte("validators")

func dedupKey(expiry uint64, body proofs.Hash) []byte {
	return proofs.DedupKey(expiry, body)
}

// ReceiptIndexKey is the index key under which the place of a receipt is found by
// the id of the external message, message or act: 8 bytes, big-endian.
func ReceiptIndexKey(id proofs.Hash) []byte { return append([]byte("rcpt/"), id[:]...) }

// MessageIndexKey is the index key under which the place of the receipt of the
// message at this place of a queue from source is found.
func MessageIndexKey(source proofs.NetworkID, incarnation, index uint64) []byte {
	return placeKey("rmsg/", source, incarnation, index)
}

// EmittedIndexKey is the index key under which the place of the receipt is found
// of what emitted the message at this place of the queue to destination.
func EmittedIndexKey(destination proofs.NetworkID, incarnation, index uint64) []byte {
	return placeKey("emit/", destination, incarnation, index)
}

func placeKey(prefix string, network proofs.NetworkID, incarnation, index uint64) []byte {
	b := make([]byte, 0, len(prefix)+32+16)
	b = append(append(b, prefix...), network[:]...)
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, incarnation), index)
}
