package execution

import (
	"fmt"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// GasTransfer is the gas that crediting an account uses, here as abroad.
const GasTransfer = 1000

// The types that execution shares with [Mesh].
type (
	Env     = types.BlockEnv    // the block that is executed
	Reader  = types.StateReader // a read-only view of a state
	Work    = types.MeshWork    // an item that concerns peers
	Note    = types.MeshNote    // what became of it
	Pending = types.Inbound     // an inbound queue with messages to execute
)

// Mesh is what execution needs of the rules between networks. It is used by one
// goroutine; errors are fatal to the block.
type Mesh interface {
	// Induct does a block's work with peers and governance, in its own order,
	// and returns a note for each piece and the refunds that are due, without an
	// index: the values are already back in the supply.
	Induct(st types.State, env Env, work []Work) (notes []Note, refunds []proofs.Message, err error)
	// GasRate returns the units that one gas at peer costs here.
	GasRate(rd Reader, peer proofs.NetworkID) (rate uint64, ok bool, err error)
	// Send takes the message's value, already debited, out of the supply and
	// appends it to the queue for its destination; it sets Incarnation and Index.
	// Unless the code is CodeOK nothing has changed.
	Send(st types.State, env Env, m *proofs.Message) (proofs.EmittedRef, proofs.Code, error)
	// Inbound lists the queues with messages to execute, sorted by peer.
	Inbound(rd Reader) ([]Pending, error)
	// Entry reads an inducted message.
	Entry(st types.State, p Pending, index uint64) (*proofs.Message, error)
	// Receive puts the value of an inducted message into the supply and names its
	// asset as this state does. Unless the code is CodeOK nothing has changed.
	Receive(st types.State, env Env, m *proofs.Message) (asset proofs.AssetID, code proofs.Code, err error)
	// Settle records that the messages of p below settled are done, and which of
	// them failed.
	Settle(st types.State, p Pending, settled uint64, failed []proofs.Outcome) error
	// Heads returns the heads of all queues, sorted by peer.
	Heads(rd Reader) ([]proofs.QueueHead, error)
	// NextSet returns the set that signs after the next key block, or nil if the
	// set in office goes on.
	NextSet(rd Reader) (*proofs.ValidatorSet, error)
}

// Handler carries out messages for one kind of account. It is used by one
// goroutine; errors are fatal to the block.
type Handler interface {
	// Gas returns the most gas that handling m may use. It decides, before m runs,
	// whether m still fits in the block.
	Gas(m *proofs.Message) uint64
	// Handle carries out m, whose value, in asset, is in the supply and not yet in
	// a balance. Unless the code is CodeOK the caller undoes what was changed.
	Handle(st types.State, env Env, m *proofs.Message, asset proofs.AssetID) (gas uint64, code proofs.Code, err error)
}

// Block is an ordered block: what the header says, the validator set of its
// epoch, and the items that its cut adds, in order.
type Block struct {
	Height uint64
	Time   uint64 // ms
	Epoch  uint64
	Set    *proofs.ValidatorSet
	Items  []Item
}

// Item is one ordered item. Of an external message the driver has decoded the
// data, unless it is malformed, and verified the signature.
type Item struct {
	Lane     uint32
	Item     types.Item
	External *types.External // nil if malformed, and for other kinds
	SigOK    bool
}

// ChargeReason says what a lane carried in vain.
type ChargeReason uint8

// The reasons of charges.
const (
	ChargeMalformed ChargeReason = 1 // does not decode, or is for another network; unknown kind of item
	ChargeSignature ChargeReason = 2 // an external message's signature does not hold
	ChargeExpiry    ChargeReason = 3 // expired, or expires too late
	ChargeDuplicate ChargeReason = 4 // its body was executed already
	ChargePeer      ChargeReason = 5 // a peer's object that can never verify
)

// String names the reason.
func (r ChargeReason) String() string {
	switch r {
	case ChargeMalformed:
		return "malformed"
	case ChargeSignature:
		return "bad signature"
	case ChargeExpiry:
		return "expired, or expires too late"
	case ChargeDuplicate:
		return "executed already"
	case ChargePeer:
		return "cannot verify"
	}
	return fmt.Sprintf("reason %d", uint8(r))
}

// Honest reports whether lanes of honest validators carry such things too: a
// message may expire on its way, or come through two of them.
func (r ChargeReason) Honest() bool { return r == ChargeExpiry || r == ChargeDuplicate }

// Charge is something useless that a lane carried: it cost the block and changed
// nothing. Expiry and duplicates happen to honest lanes; the others do not.
type Charge struct {
	Lane   uint32
	Item   int // its place in the block
	Reason ChargeReason
}

// Result is what a block's execution yields besides the state.
type Result struct {
	FirstReceipt uint64 // place of Receipts[0] in the receipt log; the others follow
	Receipts     []proofs.Receipt
	Heads        []proofs.QueueHead   // of all outbound queues, sorted by peer
	NextSet      *proofs.ValidatorSet // the next epoch's set as this state has it; nil: the one in office
	Notes        []Note
	Charges      []Charge
	Messages     uint64 // handled, against Parameters.BlockMessages
	Gas          uint64 // used, against Parameters.BlockGas
	Waiting      uint64 // local messages that wait for a later block
}
