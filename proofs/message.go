package proofs

//go:generate go tool -modfile=../tools/go.mod canoto --import=github.com/isthmus-network/isthmus/internal/canoto $GOFILE

import "fmt"

// Bounds of one message.
const (
	MaxPayload = 64 << 10 // bytes
	MaxMemo    = 256      // bytes of text in a transfer's payload
)

// MessageKind says what a message asks of its recipient.
type MessageKind uint8

// The kinds of messages.
const (
	// KindTransfer credits the recipient with the value; the payload is a memo.
	KindTransfer MessageKind = 1
	// KindRefund returns the value of a message that failed abroad; it exists
	// only inside a network.
	KindRefund MessageKind = 2
)

// Message is what one account sends to another, here or in another network. In
// an outbound or inbound queue its index is its place there; a local message has
// Source and Destination equal and incarnation 0.
type Message struct {
	Version     uint32      `canoto:"uint,1" json:"version"`
	Source      NetworkID   `canoto:"fixed bytes,2" json:"source"`
	Destination NetworkID   `canoto:"fixed bytes,3" json:"destination"`
	Incarnation uint64      `canoto:"uint,4" json:"incarnation"`
	Index       uint64      `canoto:"uint,5" json:"index"`
	Kind        MessageKind `canoto:"uint,6" json:"kind"`
	Sender      AccountID   `canoto:"fixed bytes,7" json:"sender"`
	Recipient   AccountID   `canoto:"fixed bytes,8" json:"recipient"`
	Asset       AssetID     `canoto:"fixed bytes,9" json:"asset"` // under its name abroad: the origin is never zero
	Amount      Amount      `canoto:"fixed bytes,10" json:"amount"`
	Gas         uint64      `canoto:"uint,11" json:"gas"`         // bought for the destination
	Deadline    uint64      `canoto:"uint,12" json:"deadline_ms"` // by the destination's time
	Emitted     uint64      `canoto:"uint,13" json:"emitted_ms"`  // the time of the block that emitted it
	Cause       Hash        `canoto:"fixed bytes,14" json:"-"`    // the external message or message that caused it
	Payload     []byte      `canoto:"bytes,15" json:"payload,omitempty"`

	canotoData canotoData_Message
}

// layout lists the fields in the order of their numbers, in the memory of l; the
// source network stands in the layout's own place.
func (m *Message) layout(l *Layout) []byte {
	return l.start(m.Source, TypeMessage).
		U32(m.Version).Hash(m.Destination).U64(m.Incarnation).U64(m.Index).U8(uint8(m.Kind)).
		Hash(m.Sender).Hash(m.Recipient).Fixed(m.Asset[:]).Amount(m.Amount).U64(m.Gas).U64(m.Deadline).
		U64(m.Emitted).Hash(m.Cause).Var(m.Payload).Bytes()
}

// ID is the message's leaf in its queue.
func (m *Message) ID() Hash { return m.id(&Layout{b: make([]byte, 0, layoutSize)}) }

// id is ID for who has many: the layouts share the memory of l.
func (m *Message) id(l *Layout) Hash { return leafOf(m.layout(l)) }

// Validate checks what can be checked of a message by itself. The zero origin is
// refused because the reader's state would take it for the reader's own asset.
// Errors: ErrVersion, ErrMalformed, ErrTooLarge.
func (m *Message) Validate() error {
	switch {
	case m.Version != Version:
		return fmt.Errorf("message: got version %d, want %d: %w", m.Version, Version, ErrVersion)
	case m.Kind != KindTransfer && m.Kind != KindRefund:
		return fmt.Errorf("message: got kind %d: %w", m.Kind, ErrMalformed)
	case m.Asset.Origin() == HomeNetwork:
		return fmt.Errorf("message: got an asset without origin, want its name abroad: %w", ErrMalformed)
	case len(m.Payload) > MaxPayload:
		return fmt.Errorf("message: got a payload of %d bytes, want at most %d: %w", len(m.Payload), MaxPayload, ErrTooLarge)
	}
	return nil
}

// ReceiptKind says what a receipt is about.
type ReceiptKind uint8

// The kinds of receipts.
const (
	ReceiptExternal ReceiptKind = 1 // an external message was executed
	ReceiptMessage  ReceiptKind = 2 // a message was executed or rejected
	ReceiptAct      ReceiptKind = 3 // a governance act was carried out
)

// Code is the outcome of an execution: 0 is success.
type Code uint32

// The outcomes.
const (
	CodeOK           Code = 0
	CodeOutOfGas     Code = 1  // the gas bought does not cover the handling
	CodeDeadline     Code = 2  // executed too late
	CodeInsufficient Code = 3  // the balance does not cover value and fees
	CodeNoRecipient  Code = 4  // the recipient cannot take the message
	CodeUnknownPeer  Code = 5  // the destination is not registered or not active
	CodeWindowFull   Code = 6  // too many unsettled messages to that peer
	CodeAsset        Code = 7  // the asset cannot go there
	CodeClaim        Code = 8  // more would come home than is escrowed for the peer
	CodeMalformed    Code = 9  // the action or the payload makes no sense
	CodeRefused      Code = 10 // a rule of governance or sequence refused it
	CodeOverflow     Code = 11 // a balance would exceed 128 bits
	CodePaused       Code = 12 // the link is paused, frozen, expired or diverged
)

// String names the outcome.
func (c Code) String() string {
	names := [...]string{"ok", "out of gas", "deadline passed", "insufficient balance", "no such recipient", "unknown peer",
		"link window full", "asset cannot go there", "claim exceeded", "malformed", "refused", "overflow", "link not active"}
	if int(c) < len(names) {
		return names[c]
	}
	return fmt.Sprintf("code %d", uint32(c))
}

// EmittedRef names a message that an execution emitted.
type EmittedRef struct {
	Destination NetworkID `canoto:"fixed bytes,1" json:"destination"`
	Incarnation uint64    `canoto:"uint,2" json:"incarnation"`
	Index       uint64    `canoto:"uint,3" json:"index"`
	ID          Hash      `canoto:"fixed bytes,4" json:"-"`

	canotoData canotoData_EmittedRef
}

// Receipt is the permanent record of one execution: an entry of the network's
// receipt log.
type Receipt struct {
	Kind        ReceiptKind  `canoto:"uint,1" json:"kind"`
	ID          Hash         `canoto:"fixed bytes,2" json:"-"`      // message id, or the act's id
	Body        Hash         `canoto:"fixed bytes,3" json:"-"`      // body id of an external message
	Source      NetworkID    `canoto:"fixed bytes,4" json:"source"` // where a message came from
	Incarnation uint64       `canoto:"uint,5" json:"incarnation"`
	Index       uint64       `canoto:"uint,6" json:"index"` // its place in that queue
	Height      uint64       `canoto:"uint,7" json:"height"`
	Time        uint64       `canoto:"uint,8" json:"time_ms"`
	Code        Code         `canoto:"uint,9" json:"code"`
	Gas         uint64       `canoto:"uint,10" json:"gas"`
	Fee         Amount       `canoto:"fixed bytes,11" json:"fee"`
	Emitted     []EmittedRef `canoto:"repeated value,12" json:"emitted,omitempty"`

	canotoData canotoData_Receipt
}

// Leaf returns the receipt's leaf in the receipt log of network.
func (r *Receipt) Leaf(network NetworkID) Hash {
	l := NewLayout(network, TypeReceipt).
		U8(uint8(r.Kind)).Hash(r.ID).Hash(r.Body).Hash(r.Source).U64(r.Incarnation).U64(r.Index).
		U64(r.Height).U64(r.Time).U32(uint32(r.Code)).U64(r.Gas).Amount(r.Fee).U32(uint32(len(r.Emitted)))
	for i := range r.Emitted {
		e := &r.Emitted[i]
		l.Hash(e.Destination).U64(e.Incarnation).U64(e.Index).Hash(e.ID)
	}
	return leafOf(l.Bytes())
}
