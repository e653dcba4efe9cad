package mesh

import (
	"encoding/binary"
	"encoding/hex"

	"github.com/isthmus-network/isthmus/proofs"
)

// OutLog names the log that is the queue to peer.
func OutLog(peer proofs.NetworkID, incarnation uint64) string {
	return proofs.OutLog(peer, incarnation)
}

// InLog names the log of what was inducted from peer: the same leaves as the
// peer's own queue.
func InLog(peer proofs.NetworkID, incarnation uint64) string {
	return proofs.InLog(peer, incarnation)
}

// headerLog holds the newest inducted headers of peer with their certificates,
// evidenceLog the two that froze it, ZeroLog its zero-header.
func headerLog(peer proofs.NetworkID) string   { return "headers/" + hex.EncodeToString(peer[:]) }
func evidenceLog(peer proofs.NetworkID) string { return "evidence/" + hex.EncodeToString(peer[:]) }

// ZeroLog names the log whose one entry is the zero-header of peer, in its wire form.
func ZeroLog(peer proofs.NetworkID) string { return "zero/" + hex.EncodeToString(peer[:]) }

const peerPrefix = "peer/"

// sequenceKey holds the sequence number of the last governance act.
var sequenceKey = []byte("gov/sequence")

// validatorsKey holds the network's own set as governance chose it, readyKey who
// of it is ready. The latter is missing until governance first changes the set.
var (
	validatorsKey = []byte("validators")
	readyKey      = []byte("ready")
)

func setKey(peer proofs.NetworkID) []byte      { return join("peerset/", peer[:]) }
func oldSetKey(peer proofs.NetworkID) []byte   { return join("peerset-old/", peer[:]) }
func evidenceKey(peer proofs.NetworkID) []byte { return join("evidence/", peer[:]) }
func seenPrefix(peer proofs.NetworkID) []byte  { return join("seen/", peer[:]) }

func seenKey(peer proofs.NetworkID, height uint64) []byte {
	return binary.BigEndian.AppendUint64(seenPrefix(peer), height)
}

func laneKey(lane uint32) []byte { return binary.BigEndian.AppendUint32([]byte("lane/"), lane) }

func linkPrefix(prefix string, peer proofs.NetworkID, incarnation uint64) []byte {
	return binary.BigEndian.AppendUint64(join(prefix, peer[:]), incarnation)
}

func refundPrefix(peer proofs.NetworkID, incarnation uint64) []byte {
	return linkPrefix("refund/", peer, incarnation)
}

func refundKey(peer proofs.NetworkID, incarnation, index uint64) []byte {
	return binary.BigEndian.AppendUint64(refundPrefix(peer, incarnation), index)
}

func outcomePrefix(peer proofs.NetworkID, incarnation uint64) []byte {
	return linkPrefix("outcome/", peer, incarnation)
}

func outcomeKey(peer proofs.NetworkID, incarnation, index uint64) []byte {
	return binary.BigEndian.AppendUint64(outcomePrefix(peer, incarnation), index)
}

func flowKey(peer proofs.NetworkID, incarnation uint64, asset proofs.AssetID) []byte {
	return append(linkPrefix("flow/", peer, incarnation), asset[:]...)
}

// lastU64 reads the number that ends a key.
func lastU64(key []byte) uint64 { return binary.BigEndian.Uint64(key[len(key)-8:]) }

func join(prefix string, part []byte) []byte {
	b := make([]byte, 0, len(prefix)+len(part)+80)
	return append(append(b, prefix...), part...)
}
