package chart

import "math"

// steps are how many intervals the value axis has.
const steps = 4

// top is the upper end of an axis from zero that all of the values fit below, such that its quarters are round.
func top(highest float64, u Unit) float64 {
	if highest <= 0 || math.IsNaN(highest) || math.IsInf(highest, 0) {
		return steps
	}
	step := nice(highest/steps, u)
	return step * steps
}

// nice is the smallest round number that is not below v.
func nice(v float64, u Unit) float64 {
	if u == Bytes {
		return math.Exp2(math.Ceil(math.Log2(v)))
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	step := 10 * power
	for _, factor := range []float64{1, 1.5, 2, 2.5, 3, 4, 5, 7.5} {
		if factor*power >= v*0.999999 {
			step = factor * power
			break
		}
	}
	if u == Count {
		return math.Max(1, math.Ceil(step))
	}
	return step
}

// Fold makes at most n values of many: each is the highest of those that it stands for, so that no peak is lost. The
// oldest may stand for fewer than the others do.
func Fold(values []float64, n int) []float64 {
	if len(values) <= n || n <= 0 {
		return values
	}
	each := (len(values) + n - 1) / n
	folded := make([]float64, 0, n)
	for from, to := 0, (len(values)-1)%each+1; to <= len(values); from, to = to, to+each {
		folded = append(folded, highest(values[from:to]))
	}
	return folded
}

// highest is NaN when nothing is known.
func highest(values []float64) float64 {
	most := math.NaN()
	for _, v := range values {
		if math.IsNaN(most) || v > most {
			most = v
		}
	}
	return most
}

// latest is the newest value that is known.
func latest(values []float64) float64 {
	for i := len(values) - 1; i >= 0; i-- {
		if !math.IsNaN(values[i]) {
			return values[i]
		}
	}
	return math.NaN()
}
