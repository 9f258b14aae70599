// PostHog posts to paths with a slash at their end, which Next would answer with a redirect.
export default { skipTrailingSlashRedirect: true }
