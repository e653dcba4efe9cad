package vectors

import (
	bls12381 "github.com/consensys/gnark-crypto/ecc/bls12-381"

	"github.com/isthmus-network/isthmus/proofs/bls"
)

func parsePublicKey() []Parse {
	key := Key(1).PublicKey().Bytes()
	outside := OutsideG2()
	outsideBytes := outside.Bytes()
	good := key[:]
	rows := []Parse{
		{"valid key", hexOf(good), ""},
		{"valid key, other root: the inverse key", hexOf(patched(good, func(b []byte) { b[0] ^= 0x20 })), ""},
		{"x1 is the modulus", hexOf(modulusAt(good, 0)), "ErrNonCanonical"},
		{"x0 is the modulus", hexOf(modulusAt(good, 48)), "ErrNonCanonical"},
		{"flag-like bits in x0", hexOf(patched(good, func(b []byte) { b[48] |= 0x80 })), "ErrNonCanonical"},
		{"no point has this x", hexOf(withoutRoot2()), "ErrNotOnCurve"},
		{"on the curve, outside the subgroup", hexOf(outsideBytes[:]), "ErrSubgroup"},
	}
	return append(rows, compressedRows(good)...)
}

func parseSignature() []Parse {
	vote := Key(1).Sign([]byte("vector"))
	p := Vote(vote)
	b := p.Bytes()
	good := b[:]
	torsion := Torsion()
	low := torsion.Bytes()
	outside := OutsideG1()
	outsideBytes := outside.Bytes()
	shifted := Vote(Plus(vote, torsion))
	shiftedBytes := shifted.Bytes()
	rows := []Parse{
		{"valid signature", hexOf(good), ""},
		{"valid signature, other root: the inverse", hexOf(patched(good, func(b []byte) { b[0] ^= 0x20 })), ""},
		{"x is the modulus", hexOf(modulusAt(good, 0)), "ErrNonCanonical"},
		{"x is the modulus more than that of a point", hexOf(plusModulus(low[:], 0)), "ErrNonCanonical"},
		{"no point has this x", hexOf(withoutRoot1()), "ErrNotOnCurve"},
		{"on the curve, of order three: x is zero", hexOf(low[:]), "ErrSubgroup"},
		{"its inverse", hexOf(patched(low[:], func(b []byte) { b[0] ^= 0x20 })), "ErrSubgroup"},
		{"on the curve, of large order", hexOf(outsideBytes[:]), "ErrSubgroup"},
		{"valid signature plus a point of order three", hexOf(shiftedBytes[:]), "ErrSubgroup"},
		{"uncompressed form of the same signature", hexOf(vote[:]), "ErrLength"},
	}
	return append(rows, compressedRows(good)...)
}

// compressedRows are the refusals that both compressed types share.
func compressedRows(good []byte) []Parse {
	infinity := make([]byte, len(good))
	infinity[0] = 0xc0
	return []Parse{
		{"no bytes", "", "ErrLength"},
		{"one byte short", hexOf(good[:len(good)-1]), "ErrLength"},
		{"one byte long", hexOf(append(good[:len(good):len(good)], 0)), "ErrLength"},
		{"all zero", hexOf(make([]byte, len(good))), "ErrNonCanonical"},
		{"compression flag clear", hexOf(patched(good, func(b []byte) { b[0] &^= 0x80 })), "ErrNonCanonical"},
		{"infinity", hexOf(infinity), "ErrInfinity"},
		{"infinity with the sign flag", hexOf(patched(infinity, func(b []byte) { b[0] |= 0x20 })), "ErrNonCanonical"},
		{"infinity with another bit", hexOf(patched(infinity, func(b []byte) { b[len(b)-1] = 1 })), "ErrNonCanonical"},
		{"infinity flag on a point", hexOf(patched(good, func(b []byte) { b[0] |= 0x40 })), "ErrNonCanonical"},
		{"all ones", hexOf(patched(good, func(b []byte) {
			for i := range b {
				b[i] = 0xff
			}
		})), "ErrNonCanonical"},
	}
}

func parseVote() []Parse {
	vote := Key(1).Sign([]byte("vector"))
	torsion := Torsion()
	low := torsion.RawBytes()
	negated := Negated(low)
	shifted := Plus(vote, torsion)
	infinity := make([]byte, len(vote))
	infinity[0] = 0x40
	good := vote[:]
	point := Vote(vote)
	short := point.Bytes()
	flag := func(f byte) string { return hexOf(patched(good, func(b []byte) { b[0] |= f })) }
	return []Parse{
		{"valid vote", hexOf(good), ""},
		{"on the curve, of order three: x is zero", hexOf(low[:]), "ErrSubgroup"},
		{"its inverse", hexOf(negated[:]), "ErrSubgroup"},
		{"x is zero, y is not 2", hexOf(patched(low[:], func(b []byte) { b[95] = 3 })), "ErrNotOnCurve"},
		{"valid vote plus a point of order three: found when summed", hexOf(shifted[:]), ""},
		{"no bytes", "", "ErrLength"},
		{"one byte short", hexOf(good[:len(good)-1]), "ErrLength"},
		{"one byte long", hexOf(append(good[:len(good):len(good)], 0)), "ErrLength"},
		{"compressed form of the same vote", hexOf(short[:]), "ErrLength"},
		{"compression flag set", flag(0x80), "ErrNonCanonical"},
		{"sign flag set", flag(0x20), "ErrNonCanonical"},
		{"infinity flag on a point", flag(0x40), "ErrNonCanonical"},
		{"infinity", hexOf(infinity), "ErrInfinity"},
		{"infinity with another bit", hexOf(patched(infinity, func(b []byte) { b[95] = 1 })), "ErrNonCanonical"},
		{"all zero", hexOf(make([]byte, 96)), "ErrNotOnCurve"},
		{"x is the modulus", hexOf(modulusAt(good, 0)), "ErrNonCanonical"},
		{"y is the modulus", hexOf(modulusAt(good, 48)), "ErrNonCanonical"},
		{"x is the modulus more than that of a point", hexOf(plusModulus(low[:], 0)), "ErrNonCanonical"},
		{"y is the modulus more than that of a point", hexOf(plusModulus(low[:], 48)), "ErrNonCanonical"},
		{"y changed in one bit", hexOf(patched(good, func(b []byte) { b[95] ^= 1 })), "ErrNotOnCurve"},
	}
}

func signRows() (rows []Sign) {
	for i, msg := range []string{"", "vector", string(make([]byte, 300))} {
		b := byte(i + 1)
		sk := Key(b)
		pk, vote, proof := sk.PublicKey().Bytes(), sk.Sign([]byte(msg)), sk.ProvePossession(owner(b))
		point := Vote(vote)
		sig := point.Bytes()
		o := owner(b)
		rows = append(rows, Sign{
			Desc: []string{"empty message", "short message", "message of zeros"}[i],
			Seed: hexOf(seed(b)), SecretKey: hexOf(sk.Bytes()), PublicKey: hexOf(pk[:]),
			Owner: hexOf(o[:]), Possession: hexOf(proof[:]),
			Msg: hexOf([]byte(msg)), Vote: hexOf(vote[:]), Signature: hexOf(sig[:]),
		})
	}
	return rows
}

func possessionRows() []Possession {
	sk := Key(1)
	pk, own, other := sk.PublicKey().Bytes(), owner(1), owner(2)
	proof, foreign := sk.ProvePossession(own), Key(2).ProvePossession(own)
	vote := Vote(sk.Sign(append(pk[:], own[:]...)))
	crossed := vote.Bytes()
	row := func(desc string, o [bls.OwnerSize]byte, proof []byte, wantErr string) Possession {
		return Possession{desc, hexOf(pk[:]), hexOf(o[:]), hexOf(proof), wantErr}
	}
	return []Possession{
		row("valid proof", own, proof[:], ""),
		row("missing", own, nil, "ErrLength"),
		row("replayed by another owner", other, proof[:], "ErrSignature"),
		row("of another key", own, foreign[:], "ErrSignature"),
		row("same message under the tag of votes", own, crossed[:], "ErrSignature"),
		row("infinity", own, patched(make([]byte, 48), func(b []byte) { b[0] = 0xc0 }), "ErrInfinity"),
	}
}

func aggregateRows() []Aggregate {
	msg := []byte("certificate")
	honest := make([][96]byte, 4)
	for i := range honest {
		honest[i] = Key(byte(i + 1)).Sign(msg)
	}
	with := func(change func(v [][96]byte)) [][96]byte {
		v := append([][96]byte(nil), honest...)
		change(v)
		return v
	}
	torsion := Torsion()
	var back bls12381.G1Affine
	back.Neg(&torsion)
	return []Aggregate{
		aggregate("four votes", msg, honest, "", nil),
		aggregate("one vote of another message", msg,
			with(func(v [][96]byte) { v[2] = Key(3).Sign([]byte("other")) }), "ErrSignature", []int{2}),
		aggregate("two votes exchanged: the sum is right", msg,
			with(func(v [][96]byte) { v[0], v[1] = v[1], v[0] }), "", nil),
		aggregate("one vote plus a point of order three", msg,
			with(func(v [][96]byte) { v[1] = Plus(v[1], torsion) }), "ErrSubgroup", []int{1}),
		aggregate("two votes whose torsion cancels: the sum is right", msg,
			with(func(v [][96]byte) { v[1], v[2] = Plus(v[1], torsion), Plus(v[2], back) }), "", nil),
		aggregate("two pairs of votes that cancel", msg,
			with(func(v [][96]byte) { v[1], v[3] = Negated(v[0]), Negated(v[2]) }), "ErrInfinity", []int{1, 3}),
		aggregate("no votes", msg, nil, "ErrEmpty", nil),
	}
}

// aggregate fills a row; the signature is computed by the package itself.
func aggregate(desc string, msg []byte, votes [][96]byte, wantErr string, bad []int) Aggregate {
	row := Aggregate{Desc: desc, Msg: hexOf(msg), WantErr: wantErr, PublicKeys: []string{}, Votes: []string{}, Bad: []int{}}
	var points []bls.Point
	for i, v := range votes {
		pk := Key(byte(i + 1)).PublicKey().Bytes()
		row.PublicKeys = append(row.PublicKeys, hexOf(pk[:]))
		row.Votes = append(row.Votes, hexOf(v[:]))
		p, err := bls.ParseVote(v[:])
		if err != nil {
			panic(err) // every row holds points of the curve
		}
		points = append(points, p)
	}
	if sig, err := bls.Aggregate(points); err == nil {
		b := sig.Bytes()
		row.Signature = hexOf(b[:])
	}
	row.Bad = append(row.Bad, bad...)
	return row
}
