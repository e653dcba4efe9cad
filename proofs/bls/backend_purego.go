//go:build !cgo || purego

package bls

import "github.com/isthmus-network/isthmus/proofs/bls/internal/gnarkbackend"

type (
	g1 = gnarkbackend.G1
	g2 = gnarkbackend.G2

	running = gnarkbackend.Sum
)

var curve gnarkbackend.Backend
