package main

import (
	"fmt"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/internal/prooftest"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// keyBlock is a claim about the next set of the network founded by Zero. Sets are
// followed through Before first. What is accepted leads to NextSet.
type keyBlock struct {
	Desc    string   `json:"desc"`
	Zero    string   `json:"zero"`
	Now     string   `json:"now"` // the reader's clock, ms
	Before  []string `json:"before"`
	Wire    string   `json:"wire"`
	NextSet string   `json:"nextSet,omitempty"`
	WantErr string   `json:"wantErr"`
}

func keyBlockRows() (rows []keyBlock) {
	add := func(desc, wantErr string, before []proofs.KeyBlock, make func(n *prooftest.Network) proofs.KeyBlock) {
		n := alpha()
		row := keyBlock{Desc: desc, Zero: hexOf(n.Zero.MarshalCanoto()), Before: []string{}, WantErr: wantErr}
		for i := range before {
			n.Rotate(second())
			row.Before = append(row.Before, hexOf(before[i].MarshalCanoto()))
		}
		kb := make(n)
		row.Wire, row.Now = hexOf(kb.MarshalCanoto()), fmt.Sprint(kb.Header.Time)
		if wantErr == "" {
			row.NextSet = hexOf(kb.Header.NextSetHash[:])
		}
		rows = append(rows, row)
	}
	first := []proofs.KeyBlock{alpha().KeyBlock(second())}
	change := func(f func(kb *proofs.KeyBlock)) func(n *prooftest.Network) proofs.KeyBlock {
		return func(n *prooftest.Network) proofs.KeyBlock {
			kb := n.KeyBlock(second())
			f(&kb)
			return kb
		}
	}
	add("the set is renewed", "", nil, func(n *prooftest.Network) proofs.KeyBlock { return n.KeyBlock(n.Committee) })
	add("members go, change and come", "", nil, change(func(*proofs.KeyBlock) {}))
	add("the second key block", "", first, func(n *prooftest.Network) proofs.KeyBlock {
		return n.KeyBlock(prooftest.NewCommittee(prooftest.Even(7, 2)...))
	})
	add("two of three members, five of seven units", "", nil, func(n *prooftest.Network) proofs.KeyBlock {
		kb := n.KeyBlock(n.Committee)
		kb.Certificate = n.Finalize(kb.Header, n.Places(1, 2)...)
		return kb
	})
	add("two of three members, four of seven units", "quorum not reached", nil, func(n *prooftest.Network) proofs.KeyBlock {
		kb := n.KeyBlock(n.Committee)
		kb.Certificate = n.Finalize(kb.Header, n.Places(2, 3)...)
		return kb
	})
	add("a link skipped", "epoch not followed", nil, func(n *prooftest.Network) proofs.KeyBlock {
		n.Rotate(second())
		return n.KeyBlock(prooftest.NewCommittee(prooftest.Even(7, 2)...))
	})
	add("the same again", "already superseded", first, func(*prooftest.Network) proofs.KeyBlock { return first[0] })
	add("delta left out", "wrong validator set", nil, change(func(kb *proofs.KeyBlock) { kb.Next = proofs.SetDelta{} }))
	add("next set changed", "bad signature", nil, change(func(kb *proofs.KeyBlock) { kb.Header.NextSetHash[0] ^= 1 }))
	add("no next set", "bad header link", nil, change(func(kb *proofs.KeyBlock) { kb.Header.NextSetHash = proofs.Hash{} }))
	add("signer bit beyond the set", "bad signer bitmap", nil, change(func(kb *proofs.KeyBlock) { kb.Certificate.Quorum.Bitmap[0] |= 8 }))
	add("nobody signed", "quorum not reached", nil, change(func(kb *proofs.KeyBlock) { kb.Certificate.Quorum.Bitmap[0] = 0 }))
	add("signature at infinity", "bad signature", nil, change(func(kb *proofs.KeyBlock) {
		kb.Certificate.Quorum.Signature = [48]byte{0xc0}
	}))
	return rows
}

// second is the committee that follows alpha's: keys 2 stay, 3 weigh more, 4 is
// new.
func second() *prooftest.Committee {
	return prooftest.NewCommittee(prooftest.Seat{Keys: 2, Weight: 2}, prooftest.Seat{Keys: 3, Weight: 4}, prooftest.Seat{Keys: 4, Weight: 1})
}

// slice is a claim about the queue from the network founded by Zero to Reader,
// who has consumed the messages [0, Consumed), with these range nodes. What is
// accepted yields the messages with these ids, and leads to After and its nodes.
type slice struct {
	Desc     string   `json:"desc"`
	Zero     string   `json:"zero"`
	Reader   string   `json:"reader"`
	Now      string   `json:"now"`
	Consumed string   `json:"consumed"`
	Nodes    []string `json:"nodes"`
	Wire     string   `json:"wire"`
	Messages []string `json:"messages,omitempty"`
	After    string   `json:"after,omitempty"`
	Peaks    []string `json:"peaks,omitempty"`
	WantErr  string   `json:"wantErr"`
}

const queueSize = 13

func sliceRows() (rows []slice) {
	n := alpha()
	q := prooftest.NewQueue(n.ID(), reader, queueSize)
	n.Heads = []proofs.QueueHead{prooftest.NewQueue(n.ID(), prooftest.Peer(1), 2).Head(), q.Head(), prooftest.NewQueue(n.ID(), prooftest.Peer(0x33), 1).Head()}
	h := n.Next()
	direct := n.Certify(h)
	n.Append(h)
	child := n.Next()
	linked := proofs.CertifiedHeader{Header: h, Links: []proofs.Header{child}, Certificate: n.Finalize(child)}
	row := func(desc, wantErr string, s *proofs.Slice, known *prooftest.Queue, consumed int) slice {
		return slice{
			Desc: desc, Zero: hexOf(n.Zero.MarshalCanoto()), Reader: reader.String(), Now: fmt.Sprint(h.Time), Consumed: fmt.Sprint(consumed),
			Nodes: nodes(known.Range(0, consumed)), Wire: hexOf(s.MarshalCanoto()), WantErr: wantErr,
		}
	}
	add := func(desc, wantErr string, ch proofs.CertifiedHeader, consumed, begin, end int, change func(s *proofs.Slice)) {
		s := n.Slice(ch, q, begin, end)
		change(&s)
		row := row(desc, wantErr, &s, q, consumed)
		if wantErr == "" {
			after := max(consumed, end)
			row.After, row.Peaks = fmt.Sprint(after), nodes(q.Range(0, after))
			for i := consumed; i < end; i++ {
				row.Messages = append(row.Messages, leaf(messageLayout(&q.Messages[i])))
			}
		}
		rows = append(rows, row)
	}
	asIs := func(*proofs.Slice) {}
	add("partial", "", direct, 5, 5, 9, asIs)
	add("partial, overlapping", "", direct, 5, 3, 9, asIs)
	add("to the end", "", direct, 5, 5, queueSize, asIs)
	add("all", "", direct, 0, 0, queueSize, asIs)
	add("head only", "", direct, 5, 0, 0, asIs)
	add("head only, all consumed", "", direct, queueSize, 0, 0, asIs)
	add("shown through a descendant", "", linked, 0, 0, 1, asIs)
	add("consumed already", "already superseded", direct, 9, 5, 9, asIs)
	add("gap", "gap before the first message", direct, 4, 5, 9, asIs)
	add("message left out", "bad index", direct, 5, 5, 9, func(s *proofs.Slice) { s.Messages = append(s.Messages[:1:1], s.Messages[2:]...) })
	add("amount changed", "root mismatch", direct, 5, 5, 9, func(s *proofs.Slice) { s.Messages[3].Amount[15] ^= 1 })
	add("right node missing", "bad branch", direct, 5, 5, 9, func(s *proofs.Slice) { s.Right = s.Right[1:] })
	add("branch changed", "bad branch", direct, 5, 5, 9, func(s *proofs.Slice) { s.Proof.Branch[0][0] ^= 1 })
	add("count changed", "root mismatch", direct, 5, 5, 9, func(s *proofs.Slice) { s.Proof.Count++ })
	add("head of another reader", "wrong destination", direct, 5, 5, 9, func(s *proofs.Slice) { s.Proof.Head.Peer[0] ^= 1 })
	add("link missing", "bad signature", linked, 0, 0, 1, func(s *proofs.Slice) { s.Header.Links = nil })
	add("below quorum", "quorum not reached", n.Certify(h, 0), 5, 5, 9, asIs)
	add("notarized only", "bad signature", proofs.CertifiedHeader{Header: h, Certificate: n.Statement(proofs.TypeNotarize, h)}, 5, 5, 9, asIs)
	add("head only, with a start that nobody reads", "", direct, 5, 0, 0, func(s *proofs.Slice) { s.Start = 5 })
	add("head only, with a node", "not canonical", direct, 5, 0, 0, func(s *proofs.Slice) { s.Right = []proofs.Hash{{1}} })

	left := func(s *proofs.Slice) { s.Left = q.Range(0, 5).Nodes() }
	add("left where nothing differs", "not canonical", direct, 5, 5, 9, left)
	add("head only, with a left", "not canonical", direct, 5, 0, 0, left)
	// A reader who consumed another history: it differs in one message.
	other := prooftest.NewQueue(n.ID(), reader, 5)
	other.Messages[2].Amount[15] ^= 1
	fork := func(desc, wantErr string, begin, end int, change func(s *proofs.Slice)) {
		s := n.Slice(direct, q, begin, end)
		change(&s)
		rows = append(rows, row(desc, wantErr, &s, other, 5))
	}
	fork("another history, not shown", "root mismatch", 5, 9, asIs)
	fork("another history", "peer history diverged", 5, 9, left)
	fork("another history, to the end", "peer history diverged", 5, queueSize, left)
	fork("another history, overlapping", "not canonical", 3, 9, func(s *proofs.Slice) { s.Left = q.Range(0, 3).Nodes() })
	fork("another history, left of another length", "bad branch", 5, 9, func(s *proofs.Slice) { s.Left = q.Range(0, 3).Nodes()[:1] })
	fork("another history, left changed", "root mismatch", 5, 9, func(s *proofs.Slice) {
		left(s)
		s.Left[0][0] ^= 1
	})
	fork("another history, message changed", "root mismatch", 5, 9, func(s *proofs.Slice) {
		left(s)
		s.Messages[3].Amount[15] ^= 1
	})
	fork("another history, right node missing", "bad branch", 5, 9, func(s *proofs.Slice) {
		left(s)
		s.Right = s.Right[1:]
	})
	return rows
}

func nodes(r merkle.Range) []string {
	list := []string{}
	for _, h := range r.Nodes() {
		list = append(list, hexOf(h[:]))
	}
	return list
}
