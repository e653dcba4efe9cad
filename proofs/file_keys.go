package proofs

import (
	"encoding/binary"
	"strconv"
)

// Keys and names of logs of the state that proof files go by (docs/spec/mesh.md and
// execution.md).

// FlowKey is the key of what crossed the link to peer of an asset, under its name
// in the state, in one incarnation: sent, received and refunded, an Amount each.
func FlowKey(peer NetworkID, incarnation uint64, asset AssetID) []byte {
	return append(binary.BigEndian.AppendUint64(concat("flow/", peer[:]), incarnation), asset[:]...)
}

// OutLog names the log that is the queue to peer.
func OutLog(peer NetworkID, incarnation uint64) string {
	return "out/" + peer.String() + "/" + strconv.FormatUint(incarnation, 10)
}

// InLog names the log of what was inducted from peer.
func InLog(peer NetworkID, incarnation uint64) string {
	return "in/" + peer.String() + "/" + strconv.FormatUint(incarnation, 10)
}

// DedupKey is the key under which an executed body lies until its bucket has taken
// it; expiry is in seconds.
func DedupKey(expiry uint64, body Hash) []byte {
	return append(binary.BigEndian.AppendUint64([]byte("dedup/"), expiry), body[:]...)
}

// BucketLog names the log of the bodies that were executed with this expiry, in
// seconds; they rise.
func BucketLog(expiry uint64) string { return "dedup/" + strconv.FormatUint(expiry, 10) }
