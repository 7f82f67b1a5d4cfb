package sphere

import (
	"math"
	"testing"
)

func TestDistance(t *testing.T) {
	tests := []struct {
		name                   string
		lat1, lon1, lat2, lon2 float64
		want                   float64 // km
	}{
		{"nowhere", 52.52, 13.405, 52.52, 13.405, 0},
		{"a quarter along the equator", 0, 0, 0, 90, 10007.543398},
		{"pole to pole", 90, 0, -90, 0, 20015.086796},
		{"over the antimeridian", 0, 179, 0, -179, 222.389853},
		{"the other way", 0, -179, 0, 179, 222.389853},
		{"opposite ends", 10, 20, -10, -160, 20015.086796},
		{"Berlin to New York", 52.52, 13.405, 40.7128, -74.006, 6385.003586},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Distance(tt.lat1, tt.lon1, tt.lat2, tt.lon2); math.Abs(got-tt.want) > 1e-6 {
				t.Errorf("%v km, not %v", got, tt.want)
			}
		})
	}
}
