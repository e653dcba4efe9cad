//go:build cgo && !purego

package bls

import "github.com/isthmus-network/isthmus/proofs/bls/internal/blstbackend"

type (
	g1 = blstbackend.G1
	g2 = blstbackend.G2

	running = blstbackend.Sum
)

var curve blstbackend.Backend
