package monitoring

// files returns what is generated, by its path under deploy/monitoring.
func files() (map[string][]byte, error) {
	out := map[string][]byte{"METRICS.md": metricsTable()}
	for _, b := range boards() {
		data, err := render(&b)
		if err != nil {
			return nil, err
		}
		out["dashboards/"+b.file()] = data
	}
	return out, nil
}
