// Package sphere measures on the Earth's surface. What such a distance means is
// for models to say.
package sphere

import "math"

// radius of the Earth, km; it is a sphere to within half a percent.
const radius = 6371

// Distance is the great circle between two places, given in degrees, in km
// (haversine formula: Sinnott, "Virtues of the Haversine", Sky and Telescope 68,
// 1984). It is rounded to the millimetre: sines differ in their last digit from
// processor to processor, and a replay on another one must not.
func Distance(lat1, lon1, lat2, lon2 float64) float64 {
	rad := func(deg float64) float64 { return deg * math.Pi / 180 }
	a, b := math.Sin(rad(lat2-lat1)/2), math.Sin(rad(lon2-lon1)/2)
	x := float64(a*a) + float64(math.Cos(rad(lat1))*math.Cos(rad(lat2))*b*b)
	km := 2 * radius * math.Asin(math.Min(1, math.Sqrt(x)))
	return math.Round(km*1e6) / 1e6
}
