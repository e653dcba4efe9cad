package execution

import (
	"errors"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

var errAPI = errors.New("execution: engine is not part of this build")

// Engine executes the blocks of one network.
type Engine struct {
	zero *proofs.Zero
	mesh Mesh
}

// New returns the engine of a network.
func New(zero *proofs.Zero, mesh Mesh) *Engine { return &Engine{zero: zero, mesh: mesh} }

// Execute runs a block on the state after the one before it.
func (e *Engine) Execute(st types.State, b *Block) (*Result, error) { return nil, errAPI }

// Fee returns what an external message of wireBytes costs that is carried out:
// at home, and besides that abroad if rate and gas are those of a link. ok is
// false if no balance can cover it.
func Fee(p *proofs.Parameters, wireBytes int, rate, gas uint64) (home, abroad proofs.Amount, ok bool) {
	return
}

// Allocation gives an account some of the native asset in the zero-state.
type Allocation struct {
	Account proofs.AccountID
	Amount  proofs.Amount
}

// Genesis returns the entries of a zero-state, sorted by key.
func Genesis(accounts []Allocation, set *proofs.ValidatorSet) ([]merkle.KV, error) {
	return nil, errAPI
}

// Holding is an account's balance of one asset.
type Holding struct {
	Asset  proofs.AssetID
	Amount proofs.Amount
}

// Balance returns an account's balance of an asset, under its name here.
func Balance(rd Reader, account proofs.AccountID, asset proofs.AssetID) (proofs.Amount, error) {
	return proofs.Amount{}, errAPI
}

// Balances lists at most limit of an account's balances, in order of assets, from
// asset from on.
func Balances(rd Reader, account proofs.AccountID, from proofs.AssetID, limit int) ([]Holding, error) {
	return nil, errAPI
}

// Executed reports whether an external message with this body and expiry (s) was
// executed; after the expiry second has passed it says nothing.
func Executed(rd Reader, expiry uint64, body proofs.Hash) (bool, error) { return false, errAPI }

// ReceiptIndexKey is the index key under which the place of the receipt of an
// external message, a message or an act is found: 8 bytes, big-endian.
func ReceiptIndexKey(id proofs.Hash) []byte { return nil }

// MessageIndexKey is the index key under which the place of the receipt of the
// message at this place of a queue is found.
func MessageIndexKey(source proofs.NetworkID, incarnation, index uint64) []byte { return nil }

// EmittedIndexKey is the index key under which the place of the receipt is found
// of what emitted the message at this place of the queue to destination.
func EmittedIndexKey(destination proofs.NetworkID, incarnation, index uint64) []byte { return nil }

// The logs that execution writes.
const (
	ReceiptLog = "receipts"
	LocalLog   = "local"
)
