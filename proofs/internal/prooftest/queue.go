package prooftest

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// Queue is an outbound queue with all its messages.
type Queue struct {
	Source, Peer proofs.NetworkID
	Incarnation  uint64
	Messages     []proofs.Message
}

// NewQueue returns the queue from source to peer with size messages.
func NewQueue(source, peer proofs.NetworkID, size int) *Queue {
	q := &Queue{Source: source, Peer: peer, Incarnation: 1}
	for range size {
		q.Push()
	}
	return q
}

// Push appends one message, which differs from all others.
func (q *Queue) Push() {
	i := uint64(len(q.Messages))
	q.Messages = append(q.Messages, proofs.Message{
		Version: proofs.Version, Source: q.Source, Destination: q.Peer, Incarnation: q.Incarnation, Index: i,
		Kind: proofs.KindTransfer, Sender: account("sender", i), Recipient: account("recipient", i),
		Asset: proofs.NewAssetID(q.Source, proofs.Hash{}), Amount: proofs.NewAmount(1_000_000 + i), Gas: 50_000,
		Deadline: ZeroTime + Epoch, Emitted: ZeroTime + i, Cause: sha256.Sum256(binary.BigEndian.AppendUint64([]byte("cause"), i)),
		Payload: fmt.Appendf(nil, "memo %d", i),
	})
}

func account(what string, i uint64) proofs.AccountID {
	return proofs.AccountOf(sha256.Sum256(binary.BigEndian.AppendUint64([]byte(what), i)))
}

// Leaves returns the messages' leaf hashes.
func (q *Queue) Leaves() []proofs.Hash {
	leaves := make([]proofs.Hash, len(q.Messages))
	for i := range q.Messages {
		leaves[i] = q.Messages[i].ID()
	}
	return leaves
}

// Range returns the compact range of the messages [begin, end).
func (q *Queue) Range(begin, end int) merkle.Range {
	r := merkle.NewRange(uint64(begin))
	for _, leaf := range q.Leaves()[begin:end] {
		if err := r.Append(leaf, nil); err != nil {
			panic(err)
		}
	}
	return r
}

// Head returns the head of the whole queue.
func (q *Queue) Head() proofs.QueueHead {
	return proofs.QueueHead{
		Peer: q.Peer, Incarnation: q.Incarnation, End: uint64(len(q.Messages)), Root: merkle.Root(q.Leaves()),
	}
}

// Slice returns messages [begin, end) of q under certified header ch of n, whose
// heads it committed to; the head alone if begin equals end.
func (n *Network) Slice(ch proofs.CertifiedHeader, q *Queue, begin, end int) proofs.Slice {
	s := proofs.Slice{Header: ch, Proof: *must(proofs.ProveHead(n.ID(), n.Heads, q.Peer))}
	if begin == end {
		return s
	}
	s.Start = uint64(begin)
	s.Messages = append(s.Messages, q.Messages[begin:end]...)
	r := q.Range(end, len(q.Messages))
	s.Right = r.Nodes()
	return s
}

// Peer returns an id that no network has, above those of lower numbers.
func Peer(i byte) (id proofs.NetworkID) {
	for k := range id {
		id[k] = i
	}
	return id
}
