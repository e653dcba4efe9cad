package bls

// Error is the kind of a failure. Functions wrap a kind with what they got and
// what they wanted; compare with [errors.Is].
//
// All kinds but [ErrRandomness], [ErrScalar] and [ErrEmpty]
// blame whoever made the bytes: a decoder that meets one may penalise the
// sender. Those three blame the caller or its machine.
type Error string

// Error returns the text of the kind.
func (e Error) Error() string { return string(e) }

// The kinds of failure.
const (
	// ErrLength: the input does not have the one length of its type.
	ErrLength = Error("bls: wrong length")
	// ErrNonCanonical: a flag is wrong or a coordinate is not below the
	// modulus, so that the bytes are a second encoding or none.
	ErrNonCanonical = Error("bls: encoding is not canonical")
	// ErrInfinity: the point is the neutral element.
	ErrInfinity = Error("bls: point at infinity")
	// ErrNotOnCurve: the coordinates are not a point of the curve.
	ErrNotOnCurve = Error("bls: point is not on the curve")
	// ErrSubgroup: the point is on the curve, outside the group of order r.
	ErrSubgroup = Error("bls: point is not in the subgroup")
	// ErrSignature: the pairing equation does not hold.
	ErrSignature = Error("bls: signature does not verify")
	// ErrPossession: the proof of possession is missing, malformed, of another
	// key or of another owner. It wraps the finer kind as well.
	ErrPossession = Error("bls: proof of possession refused")
	// ErrDuplicateKey: a set holds one key twice.
	ErrDuplicateKey = Error("bls: duplicate public key")
	// ErrInverseKeys: a set holds a key and its inverse, whose sum is infinity.
	ErrInverseKeys = Error("bls: inverse public keys")
	// ErrScalar: the secret scalar is zero or not below the group order.
	ErrScalar = Error("bls: secret key out of range")
	// ErrRandomness: the source of randomness failed.
	ErrRandomness = Error("bls: randomness unavailable")
	// ErrEmpty: nothing to aggregate or to verify.
	ErrEmpty = Error("bls: empty set")
)
