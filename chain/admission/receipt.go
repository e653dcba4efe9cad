package admission

//go:generate go tool -modfile=../../tools/go.mod canoto --import=github.com/isthmus-network/isthmus/internal/canoto $GOFILE

import (
	"crypto/ed25519"
	"fmt"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// MaxReceiptBytes bounds the wire form of a receipt.
const MaxReceiptBytes = 512

// Receipt is a validator's signed word that it took a message in: it will be
// executed before Expiry, or its body is provably absent from the closed bucket of
// that second.
type Receipt struct {
	Network   proofs.NetworkID `canoto:"fixed bytes,1"`
	Message   proofs.Hash      `canoto:"fixed bytes,2"`
	Body      proofs.Hash      `canoto:"fixed bytes,3"`
	Node      proofs.NodeKey   `canoto:"fixed bytes,4"`
	Time      uint64           `canoto:"uint,5"` // of admission, ms
	Expiry    uint64           `canoto:"uint,6"` // of the message, s
	Signature [64]byte         `canoto:"fixed bytes,7"`

	canotoData canotoData_Receipt
}

// NewReceipt returns the receipt of x, to be signed by node.
func NewReceipt(x *types.External, node proofs.NodeKey, now uint64) Receipt {
	return Receipt{Network: x.Network, Message: x.ID(), Body: x.Body(), Node: node, Time: now, Expiry: x.Expiry}
}

func (r *Receipt) layout() []byte {
	return proofs.NewLayout(r.Network, proofs.TypeAdmissionReceipt).
		Hash(r.Message).Hash(r.Body).Hash(r.Node).U64(r.Time).U64(r.Expiry).Bytes()
}

// Sign fills in the signature; key must be that of r.Node.
func (r *Receipt) Sign(key ed25519.PrivateKey) {
	copy(r.Signature[:], ed25519.Sign(key, r.layout()))
}

// Verify checks the signature of r.Node under ZIP-215. Whether that node is a
// validator of the network is for the caller to know.
func (r *Receipt) Verify(network proofs.NetworkID) error {
	if r.Network != network {
		return fmt.Errorf("admission receipt: got network %s, want %s: %w", r.Network.Short(), network.Short(), proofs.ErrNetwork)
	}
	if !types.VerifyEd25519(r.Node, r.layout(), r.Signature) {
		return fmt.Errorf("admission receipt: node %s: %w", r.Node, proofs.ErrSignature)
	}
	return nil
}

// DecodeReceipt reads the wire form.
func DecodeReceipt(b []byte) (*Receipt, error) {
	var r Receipt
	if err := proofs.Decode(&r, b, MaxReceiptBytes); err != nil {
		return nil, fmt.Errorf("admission receipt: %w", err)
	}
	return &r, nil
}
