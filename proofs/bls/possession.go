package bls

import "fmt"

// possessionMessage is compressed public key (96) ‖ owner (32). The draft's
// PopProve signs the key alone; with the owner in it, another node cannot
// register somebody's key with somebody's proof.
func possessionMessage(pk *PublicKey, owner [OwnerSize]byte) [PublicKeySize + OwnerSize]byte {
	var msg [PublicKeySize + OwnerSize]byte
	key := pk.Bytes()
	copy(msg[:], key[:])
	copy(msg[PublicKeySize:], owner[:])
	return msg
}

// VerifyPossession checks a 48-byte proof that the node owner holds the secret
// key of pk. Without it a key may be made from the keys of others, and forge
// their aggregates (rogue key). Errors: ErrPossession, wrapping the kind of
// the finer failure: any of [ParseSignature], or ErrSignature.
func VerifyPossession(pk *PublicKey, owner [OwnerSize]byte, proof []byte) error {
	if !pk.valid() {
		return fmt.Errorf("%w: %w: public key", ErrPossession, ErrInfinity)
	}
	sig, err := ParseSignature(proof)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrPossession, err)
	}
	msg := possessionMessage(pk, owner)
	if !curve.Verify(&pk.point, msg[:], possessionDST, &sig.point) {
		return fmt.Errorf("%w: %w: owner %x", ErrPossession, ErrSignature, owner)
	}
	return nil
}
