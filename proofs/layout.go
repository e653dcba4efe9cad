package proofs

import (
	"crypto/sha256"
	"encoding/binary"
)

// domainTag opens every signed or hashed layout (docs/spec/layout.md).
const domainTag = "isthmus1"

// ObjectType is the third element of every layout: it keeps the bytes of one
// kind of object from being read as another's.
type ObjectType uint8

// The object types. Values are part of the format and are never reused.
const (
	TypeZeroHeader   ObjectType = 0x01
	TypeHeader       ObjectType = 0x02
	TypeValidatorSet ObjectType = 0x03
	TypeAccount      ObjectType = 0x04

	TypeNotarize ObjectType = 0x10
	TypeNullify  ObjectType = 0x11
	TypeFinalize ObjectType = 0x12
	TypeAct      ObjectType = 0x13

	TypeCar              ObjectType = 0x20
	TypeCarVote          ObjectType = 0x21
	TypeBatch            ObjectType = 0x22
	TypeCut              ObjectType = 0x23
	TypeExternalBody     ObjectType = 0x24
	TypeExternal         ObjectType = 0x25
	TypeAdmissionReceipt ObjectType = 0x26
	TypeReady            ObjectType = 0x27

	TypeMessage      ObjectType = 0x30
	TypeQueueHead    ObjectType = 0x31
	TypeOutboundRoot ObjectType = 0x32
	TypeReceipt      ObjectType = 0x33
)

// Layout builds the fixed byte layout of one object:
//
//	"isthmus1" (8) ‖ network id (32) ‖ object type (1) ‖ fields
//
// Integers are big-endian. Variable bytes and lists carry a 32-bit length. The
// zero value is not usable; start with [NewLayout].
type Layout struct{ b []byte }

// NewLayout starts the layout of an object that belongs to network. Objects that
// exist before their network has an id use the zero id.
func NewLayout(network NetworkID, t ObjectType) *Layout {
	l := &Layout{b: make([]byte, 0, layoutSize)}
	return l.start(network, t)
}

// layoutSize is room for every layout without variable parts.
const layoutSize = 384

// start begins a layout in the memory of the one before, whose bytes are lost.
func (l *Layout) start(network NetworkID, t ObjectType) *Layout {
	l.b = append(l.b[:0], domainTag...)
	l.b = append(l.b, network[:]...)
	l.b = append(l.b, byte(t))
	return l
}

// U8 appends one byte.
func (l *Layout) U8(v uint8) *Layout { l.b = append(l.b, v); return l }

// U32 appends four bytes, big-endian.
func (l *Layout) U32(v uint32) *Layout { l.b = binary.BigEndian.AppendUint32(l.b, v); return l }

// U64 appends eight bytes, big-endian.
func (l *Layout) U64(v uint64) *Layout { l.b = binary.BigEndian.AppendUint64(l.b, v); return l }

// Fixed appends bytes whose length the format fixes.
func (l *Layout) Fixed(v []byte) *Layout { l.b = append(l.b, v...); return l }

// Hash appends 32 bytes.
func (l *Layout) Hash(v [32]byte) *Layout { l.b = append(l.b, v[:]...); return l }

// Amount appends 16 bytes, big-endian.
func (l *Layout) Amount(v Amount) *Layout { return l.Fixed(v[:]) }

// Var appends a 32-bit length and the bytes.
func (l *Layout) Var(v []byte) *Layout { return l.U32(uint32(len(v))).Fixed(v) }

// Bytes returns the layout so far. The caller must not append to l afterwards.
func (l *Layout) Bytes() []byte { return l.b }

// Sum returns SHA-256 of the layout.
func (l *Layout) Sum() Hash { return sha256.Sum256(l.b) }
