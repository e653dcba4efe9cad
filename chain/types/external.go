package types

//go:generate go tool -modfile=../../tools/go.mod canoto --import=github.com/isthmus-network/isthmus/internal/canoto $GOFILE

import (
	"crypto/ed25519"
	"fmt"

	"github.com/isthmus-network/isthmus/proofs"
)

// MaxExternalBytes bounds the wire form of an external message.
const MaxExternalBytes = 64 << 10

// Transfer is what an external message asks for: value to an account here or in
// another network.
type Transfer struct {
	Network   proofs.NetworkID `canoto:"fixed bytes,1" json:"network"` // destination
	Recipient proofs.AccountID `canoto:"fixed bytes,2" json:"recipient"`
	Asset     proofs.AssetID   `canoto:"fixed bytes,3" json:"asset"` // its name in the sender's network: zero origin is home
	Amount    proofs.Amount    `canoto:"fixed bytes,4" json:"amount"`
	Gas       uint64           `canoto:"uint,5" json:"gas"`         // bought at the destination, if that is abroad
	Deadline  uint64           `canoto:"uint,6" json:"deadline_ms"` // 0 takes the network's default lifetime
	Memo      string           `canoto:"string,7" json:"memo,omitempty"`

	canotoData canotoData_Transfer
}

// External is what a user signs and submits to a network. Two externals with the
// same body are duplicates, whatever their signatures.
type External struct {
	Network   proofs.NetworkID `canoto:"fixed bytes,1" json:"network"`
	Key       [32]byte         `canoto:"fixed bytes,2" json:"-"`       // Ed25519 public key of the sender
	Salt      uint64           `canoto:"uint,3" json:"salt"`           // tells equal bodies apart
	Expiry    uint64           `canoto:"uint,4" json:"expiry_s"`       // seconds since the Unix epoch; executed before it or never
	MaxFee    proofs.Amount    `canoto:"fixed bytes,5" json:"max_fee"` // zero means no bound
	Transfer  Transfer         `canoto:"value,6" json:"transfer"`
	Signature [64]byte         `canoto:"fixed bytes,7" json:"-"`

	canotoData canotoData_External
}

func (x *External) layout() []byte {
	t := &x.Transfer
	return proofs.NewLayout(x.Network, proofs.TypeExternalBody).
		Hash(x.Key).U64(x.Salt).U64(x.Expiry).Amount(x.MaxFee).
		Hash(t.Network).Hash(t.Recipient).Fixed(t.Asset[:]).Amount(t.Amount).U64(t.Gas).U64(t.Deadline).Var([]byte(t.Memo)).Bytes()
}

// Body identifies what the message does; duplicates are judged on it.
func (x *External) Body() proofs.Hash { return sum(x.layout()) }

// ID identifies the whole message: the body and its signature.
func (x *External) ID() proofs.Hash {
	return proofs.NewLayout(x.Network, proofs.TypeExternal).Hash(x.Body()).Fixed(x.Signature[:]).Sum()
}

// Sender returns the account that the message acts for.
func (x *External) Sender() proofs.AccountID { return proofs.AccountOf(x.Key) }

// Sign fills in the key and the signature.
func (x *External) Sign(key ed25519.PrivateKey) {
	copy(x.Key[:], key.Public().(ed25519.PublicKey))
	copy(x.Signature[:], ed25519.Sign(key, x.layout()))
}

// VerifySignature checks the signature under ZIP-215.
func (x *External) VerifySignature() error {
	if !VerifyEd25519(x.Key, x.layout(), x.Signature) {
		return fmt.Errorf("external message: signature by %x: %w", x.Key[:4], proofs.ErrSignature)
	}
	return nil
}

// Validate checks what can be checked of the message by itself, without
// cryptography.
func (x *External) Validate(network proofs.NetworkID) error {
	switch {
	case x.Network != network:
		return fmt.Errorf("external message: got network %s, want %s: %w", x.Network.Short(), network.Short(), proofs.ErrNetwork)
	case len(x.Transfer.Memo) > proofs.MaxMemo:
		return fmt.Errorf("external message: got a memo of %d bytes, want at most %d: %w", len(x.Transfer.Memo), proofs.MaxMemo, proofs.ErrTooLarge)
	case x.Transfer.Amount.IsZero():
		return fmt.Errorf("external message: got amount 0: %w", proofs.ErrMalformed)
	}
	return nil
}

// DecodeExternal reads the wire form.
func DecodeExternal(b []byte) (*External, error) {
	var x External
	if err := proofs.Decode(&x, b, MaxExternalBytes); err != nil {
		return nil, fmt.Errorf("external message: %w", err)
	}
	return &x, nil
}
