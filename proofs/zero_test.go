package proofs_test

import (
	"testing"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/internal/prooftest"
)

func TestZeroHeaderRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		want   error
		change func(z *proofs.ZeroHeader)
	}{
		{"Nomad 2022: zero state root", proofs.ErrRoot, func(z *proofs.ZeroHeader) { z.StateRoot = proofs.Hash{} }},
		{"no time", proofs.ErrRoot, func(z *proofs.ZeroHeader) { z.Time = 0 }},
		{"version", proofs.ErrVersion, func(z *proofs.ZeroHeader) { z.Version = 0 }},
		{"Ronin 2024: no validators", proofs.ErrTooLarge, func(z *proofs.ZeroHeader) { z.Validators = nil }},
		{"Ronin 2024: zero weight", proofs.ErrWeight, func(z *proofs.ZeroHeader) { z.Validators[0].Weight = 0 }},
		{"Ronin 2024: no threshold", proofs.ErrMalformed, func(z *proofs.ZeroHeader) { z.Parameters.ThresholdDen = 0 }},
		{"threshold of all", proofs.ErrMalformed, func(z *proofs.ZeroHeader) { z.Parameters.ThresholdNum = z.Parameters.ThresholdDen }},
		{"name", proofs.ErrMalformed, func(z *proofs.ZeroHeader) { z.Parameters.Name = "alpha\n" }},
		{"symbol", proofs.ErrMalformed, func(z *proofs.ZeroHeader) { z.Parameters.Symbol = "tst" }},
		{"decimals", proofs.ErrMalformed, func(z *proofs.ZeroHeader) { z.Parameters.Decimals = 31 }},
		{"no epoch", proofs.ErrMalformed, func(z *proofs.ZeroHeader) { z.Parameters.EpochDuration = 0 }},
		{"epoch too long", proofs.ErrMalformed, func(z *proofs.ZeroHeader) { z.Parameters.EpochDuration = z.Parameters.TrustPeriod/4 + 1 }},
		{"trust period 0", proofs.ErrMalformed, func(z *proofs.ZeroHeader) { z.Parameters.TrustPeriod = 0 }},
		{"no drift", proofs.ErrMalformed, func(z *proofs.ZeroHeader) { z.Parameters.MaxClockDrift = 0 }},
		{"drift too large", proofs.ErrMalformed, func(z *proofs.ZeroHeader) { z.Parameters.MaxClockDrift = z.Parameters.TrustPeriod }},
		{"heartbeat", proofs.ErrMalformed, func(z *proofs.ZeroHeader) { z.Parameters.Heartbeat = z.Parameters.EpochDuration + 1 }},
		{"view timeout", proofs.ErrMalformed, func(z *proofs.ZeroHeader) { z.Parameters.ViewTimeout = 0 }},
		{"lag", proofs.ErrMalformed, func(z *proofs.ZeroHeader) { z.Parameters.MaxLag = 1<<16 + 1 }},
		{"expiry", proofs.ErrMalformed, func(z *proofs.ZeroHeader) { z.Parameters.ExpiryWindow = 0 }},
		{"lifetime", proofs.ErrMalformed, func(z *proofs.ZeroHeader) { z.Parameters.MessageLifetime = 0 }},
		{"block messages", proofs.ErrMalformed, func(z *proofs.ZeroHeader) { z.Parameters.BlockMessages = 0 }},
		{"window 0", proofs.ErrMalformed, func(z *proofs.ZeroHeader) { z.Parameters.LinkWindow = 0 }},
		{"window larger than a head's outcomes", proofs.ErrMalformed, func(z *proofs.ZeroHeader) { z.Parameters.LinkWindow = proofs.MaxOutcomes + 1 }},
		{"payload", proofs.ErrMalformed, func(z *proofs.ZeroHeader) { z.Parameters.MaxPayload = proofs.MaxPayload + 1 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			z := prooftest.ZeroHeader("alpha", prooftest.Even(1, 2)...)
			_, err := z.Check()
			ok(t, err)
			c.change(&z)
			zero, err := z.Check()
			wantError(t, err, c.want)
			if zero != nil {
				t.Error("got a checked zero-header together with an error")
			}
		})
	}
}

// TestZeroHeaderBinds: every parameter, member and root is in the id.
func TestZeroHeaderBinds(t *testing.T) {
	z := prooftest.ZeroHeader("alpha", prooftest.Even(1, 2)...)
	zero, err := z.Check()
	ok(t, err)
	_, err = z.CheckID(zero.ID)
	ok(t, err)
	p := &z.Parameters
	for i, field := range []*uint64{
		&z.Time, &p.EpochDuration, &p.TrustPeriod, &p.MaxClockDrift, &p.Heartbeat, &p.ViewTimeout, &p.MaxLag, &p.ExpiryWindow, &p.MessageLifetime,
		&p.BlockMessages, &p.BlockGas, &p.BaseFee, &p.ByteFee, &p.GasPrice, &p.LinkWindow, &z.Validators[1].Weight,
	} {
		*field++
		if _, err = z.CheckID(zero.ID); err == nil {
			t.Errorf("field %d is not in the id", i)
		}
		*field--
	}
	for i, change := range []func(){
		func() { p.Name += "x" }, func() { p.Symbol += "X" }, func() { p.Decimals++ }, func() { p.MaxPayload-- },
		func() { p.ThresholdNum-- }, func() { p.ThresholdDen++ }, func() { z.StateRoot[31] ^= 1 },
	} {
		change()
		fresh, err := z.CheckID(zero.ID)
		wantError(t, err, proofs.ErrNetwork)
		if fresh != nil {
			t.Errorf("change %d: got a zero-header", i)
		}
	}
}
