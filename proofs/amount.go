package proofs

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/big"
	"math/bits"
	"strings"
)

// Amount is an unsigned 128-bit count of an asset's smallest unit, big-endian, so
// that it is its own layout. Arithmetic is checked: nothing wraps.
type Amount [16]byte

// NewAmount returns v units.
func NewAmount(v uint64) Amount { return amount(0, v) }

func amount(hi, lo uint64) (a Amount) {
	binary.BigEndian.PutUint64(a[:8], hi)
	binary.BigEndian.PutUint64(a[8:], lo)
	return a
}

func (a Amount) parts() (hi, lo uint64) {
	return binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(a[8:])
}

// IsZero reports whether a is nothing.
func (a Amount) IsZero() bool { return a == Amount{} }

// Cmp returns -1, 0 or 1 as a is less than, equal to or more than b.
func (a Amount) Cmp(b Amount) int { return bytes.Compare(a[:], b[:]) }

// Add returns a+b; ok is false on overflow.
func (a Amount) Add(b Amount) (sum Amount, ok bool) {
	ahi, alo := a.parts()
	bhi, blo := b.parts()
	lo, c := bits.Add64(alo, blo, 0)
	hi, c := bits.Add64(ahi, bhi, c)
	return amount(hi, lo), c == 0
}

// Sub returns a-b; ok is false if b is more than a.
func (a Amount) Sub(b Amount) (diff Amount, ok bool) {
	ahi, alo := a.parts()
	bhi, blo := b.parts()
	lo, c := bits.Sub64(alo, blo, 0)
	hi, c := bits.Sub64(ahi, bhi, c)
	return amount(hi, lo), c == 0
}

// MulAmount returns x·y, which always fits.
func MulAmount(x, y uint64) Amount { return amount(bits.Mul64(x, y)) }

// Big returns a as a big integer.
func (a Amount) Big() *big.Int { return new(big.Int).SetBytes(a[:]) }

// String writes the units in decimal, without a point.
func (a Amount) String() string { return a.Big().String() }

// MarshalText writes the units in decimal.
func (a Amount) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads a decimal count of units.
func (a *Amount) UnmarshalText(b []byte) error {
	v, err := ParseAmount(string(b), 0)
	if err != nil {
		return err
	}
	*a = v
	return nil
}

// ParseAmount reads a decimal number with at most decimals digits after the
// point, and returns it in smallest units.
func ParseAmount(s string, decimals uint8) (Amount, error) {
	whole, frac, point := strings.Cut(s, ".")
	digits := whole + frac
	switch {
	case digits == "" || len(digits) > 60 || strings.Trim(digits, "0123456789") != "" || point && frac == "":
		return Amount{}, fmt.Errorf("amount %.80q: want a decimal number: %w", s, ErrMalformed)
	case len(frac) > int(decimals):
		return Amount{}, fmt.Errorf("amount %.80q: got %d decimals, want at most %d: %w", s, len(frac), decimals, ErrMalformed)
	}
	digits += strings.Repeat("0", int(decimals)-len(frac))
	v, _ := new(big.Int).SetString(digits, 10)
	if v.BitLen() > 128 {
		return Amount{}, fmt.Errorf("amount %.80q: more than 128 bits: %w", s, ErrTooLarge)
	}
	var a Amount
	v.FillBytes(a[:])
	return a, nil
}

// Decimal writes a with its decimal point.
func (a Amount) Decimal(decimals uint8) string {
	s := a.String()
	d := int(decimals)
	if d == 0 {
		return s
	}
	if len(s) <= d {
		s = strings.Repeat("0", d+1-len(s)) + s
	}
	frac := strings.TrimRight(s[len(s)-d:], "0")
	if frac == "" {
		return s[:len(s)-d]
	}
	return s[:len(s)-d] + "." + frac
}
