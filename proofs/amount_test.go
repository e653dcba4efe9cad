package proofs_test

import (
	"encoding/json"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/isthmus-network/isthmus/proofs"
)

// TestAmountArithmetic compares with big integers (row decimals, overflow).
func TestAmountArithmetic(t *testing.T) {
	limit := new(big.Int).Lsh(big.NewInt(1), 128)
	draw := func(t *rapid.T, name string) (a proofs.Amount) {
		bits := rapid.IntRange(0, 128).Draw(t, name+" bits")
		raw := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, name)
		v := new(big.Int).SetBytes(raw)
		v.Rsh(v, uint(128-bits)).FillBytes(a[:])
		return a
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t, "a"), draw(t, "b")
		sum, fits := a.Add(b)
		if want := new(big.Int).Add(a.Big(), b.Big()); fits != (want.Cmp(limit) < 0) || fits && sum.Big().Cmp(want) != 0 {
			t.Fatalf("%v + %v: got %v, %v", a, b, sum, fits)
		}
		diff, fits := a.Sub(b)
		if want := new(big.Int).Sub(a.Big(), b.Big()); fits != (want.Sign() >= 0) || fits && diff.Big().Cmp(want) != 0 {
			t.Fatalf("%v - %v: got %v, %v", a, b, diff, fits)
		}
		if a.Cmp(b) != a.Big().Cmp(b.Big()) || a.IsZero() != (a.Big().Sign() == 0) {
			t.Fatalf("%v <=> %v", a, b)
		}
		x, y := rapid.Uint64().Draw(t, "x"), rapid.Uint64().Draw(t, "y")
		if got, want := proofs.MulAmount(x, y).Big(), new(big.Int).Mul(proofs.NewAmount(x).Big(), proofs.NewAmount(y).Big()); got.Cmp(want) != 0 {
			t.Fatalf("%d · %d: got %v, want %v", x, y, got, want)
		}
	})
}

func TestAmountText(t *testing.T) {
	const most = "340282366920938463463374607431768211455"
	for _, c := range []struct {
		text     string
		decimals uint8
		units    string
		decimal  string
	}{
		{"0", 9, "0", "0"}, {"1", 9, "1000000000", "1"}, {"1.5", 9, "1500000000", "1.5"}, {".5", 1, "5", "0.5"},
		{"0.000000001", 9, "1", "0.000000001"}, {"007", 0, "7", "7"}, {"1.50", 2, "150", "1.5"}, {most, 0, most, most},
	} {
		a, err := proofs.ParseAmount(c.text, c.decimals)
		ok(t, err)
		if a.String() != c.units || a.Decimal(c.decimals) != c.decimal {
			t.Errorf("%q: got %s and %s, want %s and %s", c.text, a, a.Decimal(c.decimals), c.units, c.decimal)
		}
	}
	for text, want := range map[string]error{
		"": proofs.ErrMalformed, ".": proofs.ErrMalformed, "1.": proofs.ErrMalformed, "-1": proofs.ErrMalformed, "+1": proofs.ErrMalformed,
		"1e3": proofs.ErrMalformed, " 1": proofs.ErrMalformed, "1_0": proofs.ErrMalformed, "1.2.3": proofs.ErrMalformed, "0x1": proofs.ErrMalformed,
		"1.1234": proofs.ErrMalformed, "340282366920938463463374607431768211456": proofs.ErrTooLarge,
	} {
		_, err := proofs.ParseAmount(text, 3)
		wantError(t, err, want)
	}
}

func TestIDText(t *testing.T) {
	m := proofs.Message{Source: proofs.NetworkID{1}, Sender: proofs.AccountID{2}, Asset: proofs.NewAssetID(proofs.NetworkID{3}, proofs.Hash{4}), Amount: proofs.NewAmount(5)}
	b, err := json.Marshal(&m)
	ok(t, err)
	var got proofs.Message
	ok(t, json.Unmarshal(b, &got))
	if got.ID() != m.ID() {
		t.Errorf("got %+v, want %+v", got, m)
	}
	var id proofs.NetworkID
	for _, text := range []string{"", "00", m.Source.String() + "00", "zz" + m.Source.String()[2:]} {
		wantError(t, id.UnmarshalText([]byte(text)), proofs.ErrMalformed)
		_, err := proofs.ParseHash(text)
		wantError(t, err, proofs.ErrMalformed)
	}
	ok(t, id.UnmarshalText([]byte(m.Source.String())))
	if id != m.Source || id.Short() != "01000000" {
		t.Errorf("got %s", id)
	}
}

// TestAssetNames: an asset keeps one name abroad and one at home.
func TestAssetNames(t *testing.T) {
	home, other := proofs.NetworkID{1}, proofs.NetworkID{2}
	native, foreign := proofs.NativeAsset, proofs.NewAssetID(other, proofs.Hash{9})
	abroad := native.Abroad(home)
	if abroad.Origin() != home || abroad.At(home) != native || abroad.At(other) != abroad {
		t.Errorf("native asset: got %s abroad", abroad)
	}
	if foreign.Abroad(home) != foreign || foreign.At(home) != foreign || foreign.At(other) != proofs.NewAssetID(proofs.HomeNetwork, foreign.Local()) {
		t.Error("a foreign asset does not keep its name")
	}
}
