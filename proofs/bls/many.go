package bls

import (
	"errors"
	"fmt"
	"io"
)

// Certificate is the claim that each of the keys signed Msg, and that Sig is the
// compressed sum of their signatures: as it came, nothing of Sig is checked yet.
// The keys must have proved possession, or do so in the same batch.
type Certificate struct {
	Keys []*PublicKey
	Msg  []byte
	Sig  [SignatureSize]byte

	possession bool // Msg is under the tag of proofs of possession, by owner
	owner      [OwnerSize]byte
}

// PossessionCertificate is a proof of possession in the form of a certificate, so
// that it can be verified together with others; [VerifyPossession] is the same
// for one.
func PossessionCertificate(pk *PublicKey, owner [OwnerSize]byte, proof [SignatureSize]byte) Certificate {
	c := Certificate{Keys: []*PublicKey{pk}, Sig: proof, possession: true, owner: owner}
	if pk.valid() {
		msg := possessionMessage(pk, owner)
		c.Msg = msg[:]
	}
	return c
}

func (c *Certificate) dst() []byte {
	if c.possession {
		return possessionDST
	}
	return signDST
}

// Verify checks one certificate alone. Errors: those of [ParseSignature] and
// [VerifyAggregate], or those of [VerifyPossession].
func (c *Certificate) Verify() error {
	if c.possession {
		return VerifyPossession(c.Keys[0], c.owner, c.Sig[:])
	}
	sig, err := ParseSignature(c.Sig[:])
	if err != nil {
		return err
	}
	return VerifyAggregate(c.Keys, c.Msg, sig)
}

// parse is the part of Verify that a sum does not do. That the sum of the keys may
// be infinity is left to the pairing, which then fails: the signature is not.
func (c *Certificate) parse() (Signature, error) {
	sig, err := ParseSignature(c.Sig[:])
	if err != nil {
		return Signature{}, err
	}
	if len(c.Keys) == 0 {
		return Signature{}, fmt.Errorf("%w: no public keys", ErrEmpty)
	}
	for i, pk := range c.Keys {
		if !pk.valid() {
			return Signature{}, fmt.Errorf("%w: public key %d", ErrInfinity, i)
		}
	}
	return sig, nil
}

// BadCertificateError says which certificate of a batch does not hold, and why.
type BadCertificateError struct {
	Index int
	Err   error
}

func (e *BadCertificateError) Error() string {
	return fmt.Sprintf("certificate %d: %v", e.Index, e.Err)
}

// Unwrap returns why.
func (e *BadCertificateError) Unwrap() error { return e.Err }

// VerifyMany checks certificates all at once, and says what [Certificate.Verify]
// would say of them one by one: nil if all hold, otherwise *[BadCertificateError]
// with the first that does not. A batch that holds costs a fraction of that; to
// find a bad one costs about twice as much again.
//
// rand must be unpredictable to whoever made the certificates (see
// [SumCertificates]). Errors besides: ErrEmpty for no certificates, ErrRandomness.
func VerifyMany(batch []Certificate, rand io.Reader) error {
	if len(batch) == 0 {
		return fmt.Errorf("%w: no certificates", ErrEmpty)
	}
	return verifyRange(batch, 0, false, rand)
}

// verifyRange verifies batch, which begins at index first, and bisects. With known
// it is known to fail as a whole. A certificate is named only after it failed alone.
func verifyRange(batch []Certificate, first int, known bool, rand io.Reader) error {
	if len(batch) == 1 {
		if err := batch[0].Verify(); err != nil {
			return &BadCertificateError{Index: first, Err: err}
		}
		return nil
	}
	if !known {
		s, err := SumCertificates(batch, rand)
		if err == nil {
			err = s.Verify()
		}
		if err == nil || errors.Is(err, ErrRandomness) {
			return err
		}
	}
	mid := len(batch) / 2
	if err := verifyRange(batch[:mid], first, false, rand); err != nil {
		return err
	}
	return verifyRange(batch[mid:], first+mid, true, rand)
}
