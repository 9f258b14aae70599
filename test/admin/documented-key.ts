export const documented = {
  name: 'Web App',
  source_type: 'web',
  rate_limit_eps: 500,
  allowed_event_types: ['track', 'identify', 'page'],
  allowed_origins: ['https://app.example.com', 'https://staging.example.com'],
}
