package bls

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
)

// weightSize is the length of a weight in bytes: 128 bits leave a chance of
// 2⁻¹²⁸ that what does not hold one by one holds as a weighted sum.
const weightSize = 16

// drawWeights reads n weights. Zero is refused: it would leave a signature out,
// and a source that gives it does not work. Errors: ErrRandomness.
func drawWeights(n int, rand io.Reader) ([][weightSize]byte, error) {
	if rand == nil {
		return nil, fmt.Errorf("%w: no source given", ErrRandomness)
	}
	flat := make([]byte, n*weightSize)
	if _, err := io.ReadFull(rand, flat); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRandomness, err)
	}
	weights := make([][weightSize]byte, n)
	for i := range weights {
		weights[i] = [weightSize]byte(flat[i*weightSize:])
		if weights[i] == [weightSize]byte{} {
			return nil, fmt.Errorf("%w: weight %d is zero", ErrRandomness, i)
		}
	}
	return weights, nil
}

// fewPoints is the number below which the bucket method gains nothing.
const fewPoints = 16

// weightedSum returns Σ weights[i]·points[i], by the bucket method (Pippenger)
// where there are many: a third of the time of one multiplication for each.
func weightedSum(points []g1, weights [][weightSize]byte) (sum running) {
	if len(points) < fewPoints {
		for i := range points {
			p := curve.Scale(&points[i], &weights[i])
			curve.Join(&sum, &p)
		}
		return sum
	}
	width := min(bits.Len(uint(len(points)))-3, 9)
	buckets := make([]running, 1<<width)
	for window := (8*weightSize - 1) / width; window >= 0; window-- {
		for range width {
			curve.Join(&sum, &sum)
		}
		clear(buckets)
		for i := range points {
			if d := digit(&weights[i], window*width, width); d != 0 {
				curve.Add(&buckets[d], &points[i])
			}
		}
		part := sumBuckets(buckets)
		curve.Join(&sum, &part)
	}
	return sum
}

// sumBuckets returns Σ d·buckets[d].
func sumBuckets(buckets []running) (sum running) {
	var above running // the sum of the buckets from d upwards
	for d := len(buckets) - 1; d > 0; d-- {
		curve.Join(&above, &buckets[d])
		curve.Join(&sum, &above)
	}
	return sum
}

// digit returns the width bits of a weight that begin at bit from, counted from
// the least significant.
func digit(w *[weightSize]byte, from, width int) uint64 {
	hi, lo := binary.BigEndian.Uint64(w[:8]), binary.BigEndian.Uint64(w[8:])
	v := hi >> (from - min(from, 64))
	if from < 64 {
		v = lo>>from | hi<<(64-from)
	}
	return v & (1<<width - 1)
}
