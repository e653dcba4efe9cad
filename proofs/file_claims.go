package proofs

//go:generate go tool -modfile=../tools/go.mod canoto --import=github.com/isthmus-network/isthmus/internal/canoto $GOFILE

import (
	"bytes"
	"fmt"

	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// MaxFileBalances bounds the assets in one account's file.
const MaxFileBalances = 10_000

// MessageClaim shows one message in the network's queue for a peer: the queue's
// head under the outbound root, and the message under the queue's root. Source,
// peer, incarnation and index are those of the message.
type MessageClaim struct {
	Head    HeadProof `canoto:"value,1"`
	Message Message   `canoto:"value,2"`
	Branch  []Hash    `canoto:"repeated fixed bytes,3"` // inclusion of the message at its index of Head.Head.End

	canotoData canotoData_MessageClaim
}

// Kind implements [Claim].
func (c *MessageClaim) Kind() FileKind { return FileMessage }

func (c *MessageClaim) check(int) error {
	if c.Message.Destination != c.Head.Head.Peer {
		return fmt.Errorf("message to %s in the queue for %s: %w", c.Message.Destination.Short(), c.Head.Head.Peer.Short(), ErrDestination)
	}
	return nil
}

func (c *MessageClaim) verify(headers []*VerifiedHeader, s *Statement) error {
	m, err := c.Verify(headers[0])
	if err != nil {
		return err
	}
	s.setMessage(m)
	return nil
}

// Verify checks the claim under a header of the queue's network.
func (c *MessageClaim) Verify(v *VerifiedHeader) (*VerifiedMessage, error) {
	head, err := v.VerifyHead(&c.Head, c.Message.Destination)
	if err != nil {
		return nil, err
	}
	return head.VerifyMessage(&c.Message, c.Branch)
}

// ReceiptClaim shows one entry of the network's receipt log.
type ReceiptClaim struct {
	Receipt Receipt `canoto:"value,1"`
	Index   uint64  `canoto:"uint,2"`
	Branch  []Hash  `canoto:"repeated fixed bytes,3"` // inclusion at Index of the header's receipt size

	canotoData canotoData_ReceiptClaim
}

// Kind implements [Claim].
func (c *ReceiptClaim) Kind() FileKind { return FileReceipt }

func (c *ReceiptClaim) check(int) error { return nil }

func (c *ReceiptClaim) verify(headers []*VerifiedHeader, s *Statement) error {
	r, err := headers[0].VerifyReceipt(&c.Receipt, c.Index, c.Branch)
	if err != nil {
		return err
	}
	s.setReceipt(r)
	return nil
}

// BalanceClaim is one asset of an account, under its name in the state: the
// network's own assets have the zero origin.
type BalanceClaim struct {
	Asset AssetID    `canoto:"fixed bytes,1"`
	Entry StateEntry `canoto:"value,2"` // under BalanceKey

	canotoData canotoData_BalanceClaim
}

// AccountClaim shows what an account has of some assets; it says nothing of
// others. Assets rise strictly.
type AccountClaim struct {
	Account  AccountID      `canoto:"fixed bytes,1"`
	Balances []BalanceClaim `canoto:"repeated value,2"`

	canotoData canotoData_AccountClaim
}

// Kind implements [Claim].
func (c *AccountClaim) Kind() FileKind { return FileAccount }

func (c *AccountClaim) check(int) error {
	if n := len(c.Balances); n == 0 || n > MaxFileBalances {
		return fmt.Errorf("got %d assets, want 1 to %d: %w", n, MaxFileBalances, ErrTooLarge)
	}
	for i := 1; i < len(c.Balances); i++ {
		if bytes.Compare(c.Balances[i-1].Asset[:], c.Balances[i].Asset[:]) >= 0 {
			return fmt.Errorf("asset %d: assets do not rise: %w", i, ErrNotCanon)
		}
	}
	return nil
}

func (c *AccountClaim) verify(headers []*VerifiedHeader, s *Statement) error {
	v := headers[0]
	s.Account = &ProvedAccount{Account: c.Account}
	for i := range c.Balances {
		b := &c.Balances[i]
		if b.Asset.At(v.header.Network) != b.Asset {
			return fmt.Errorf("asset %s: want the network's own asset under the zero origin: %w", b.Asset, ErrNotCanon)
		}
		balance, err := v.VerifyBalance(c.Account, b.Asset, &b.Entry)
		if err != nil {
			return err
		}
		s.Account.Balances = append(s.Account.Balances, ProvedBalance{Asset: balance.asset, Amount: balance.amount})
	}
	return nil
}

// KeyAbsenceClaim shows that the state holds nothing under a raw key.
type KeyAbsenceClaim struct {
	Key   []byte `canoto:"bytes,1"`
	Proof []byte `canoto:"bytes,2"` // binary form of a merkle.TrieProof

	canotoData canotoData_KeyAbsenceClaim
}

// Kind implements [Claim].
func (c *KeyAbsenceClaim) Kind() FileKind { return FileKeyAbsence }

func (c *KeyAbsenceClaim) check(int) error { return nil }

func (c *KeyAbsenceClaim) verify(headers []*VerifiedHeader, s *Statement) error {
	if _, err := headers[0].VerifyEntry(c.Key, &StateEntry{Proof: c.Proof}); err != nil {
		return err
	}
	s.Absent = &ProvedAbsence{Key: c.Key}
	return nil
}

// Neighbour is an entry of a closed bucket: a body, and its inclusion.
type Neighbour struct {
	Body   Hash   `canoto:"fixed bytes,1"`
	Branch []Hash `canoto:"repeated fixed bytes,2"`

	canotoData canotoData_Neighbour
}

func (n *Neighbour) isNone() bool { return n.Body == Hash{} && len(n.Branch) == 0 }

// BodyAbsenceClaim shows that an external message with this body and expiry was not
// executed and never will be: its expiry is past, its body is not among those that
// wait to be moved into their bucket (no entry under [DedupKey]), and is not in the
// bucket, whose bodies rise: it would lie between two neighbours. The expiry is
// one of the fields that a body's id hashes; another expiry is another body.
type BodyAbsenceClaim struct {
	Body   Hash       `canoto:"fixed bytes,1"`
	Expiry uint64     `canoto:"uint,2"`  // seconds since the Unix epoch
	Open   []byte     `canoto:"bytes,3"` // binary form of a merkle.TrieProof: nothing under DedupKey
	Bucket StateEntry `canoto:"value,4"` // under LogKey(BucketLog(Expiry))
	Index  uint64     `canoto:"uint,5"`  // how many bodies in the bucket are below
	Left   Neighbour  `canoto:"value,6"` // at Index-1; none if Index is 0
	Right  Neighbour  `canoto:"value,7"` // at Index; none if the bucket ends there

	canotoData canotoData_BodyAbsenceClaim
}

// Kind implements [Claim].
func (c *BodyAbsenceClaim) Kind() FileKind { return FileBodyAbsence }

func (c *BodyAbsenceClaim) check(int) error {
	switch {
	case (c.Index == 0) != c.Left.isNone():
		return fmt.Errorf("index %d: a left neighbour is where one belongs is false: %w", c.Index, ErrNotCanon)
	case !c.Left.isNone() && bytes.Compare(c.Left.Body[:], c.Body[:]) >= 0:
		return fmt.Errorf("left neighbour %x is not below %x: %w", c.Left.Body[:4], c.Body[:4], ErrBranch)
	case !c.Right.isNone() && bytes.Compare(c.Right.Body[:], c.Body[:]) <= 0:
		return fmt.Errorf("right neighbour %x is not above %x: %w", c.Right.Body[:4], c.Body[:4], ErrBranch)
	}
	return nil
}

func (c *BodyAbsenceClaim) verify(headers []*VerifiedHeader, s *Statement) error {
	if err := c.Verify(headers[0]); err != nil {
		return err
	}
	s.Unexecuted = &ProvedUnexecuted{Body: HexHash(c.Body), Expiry: c.Expiry}
	return nil
}

// Verify checks the claim under a header of the network that might have executed
// the message.
func (c *BodyAbsenceClaim) Verify(v *VerifiedHeader) error {
	if err := c.check(1); err != nil {
		return err
	}
	if second := v.header.ExecutedTime / 1000; second < c.Expiry {
		return fmt.Errorf("bucket %d: got a state of second %d, before it closes: %w", c.Expiry, second, ErrTime)
	}
	if _, err := v.VerifyEntry(DedupKey(c.Expiry, c.Body), &StateEntry{Proof: c.Open}); err != nil {
		return err
	}
	entry, err := v.VerifyEntry(LogKey(BucketLog(c.Expiry)), &c.Bucket)
	if err != nil {
		return err
	}
	bucket, err := entry.Log()
	if err != nil {
		return err
	}
	end := bucket.Range.End()
	if c.Index > end || (c.Index == end) != c.Right.isNone() {
		return fmt.Errorf("bucket %d of %d bodies: index %d, a right neighbour is where one belongs is false: %w", c.Expiry, end, c.Index, ErrIndex)
	}
	root, err := bucket.Root()
	if err != nil {
		return err
	}
	for _, n := range [...]struct {
		*Neighbour
		index uint64
	}{{&c.Left, c.Index - 1}, {&c.Right, c.Index}} {
		if n.isNone() {
			continue
		}
		if err := merkle.VerifyInclusion(merkle.LeafHash(n.Body[:]), n.index, end, n.Branch, root); err != nil {
			return fmt.Errorf("bucket %d, body %d: %w: %w", c.Expiry, n.index, ErrBranch, err)
		}
	}
	return nil
}
