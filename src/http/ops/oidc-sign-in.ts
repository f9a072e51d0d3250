/** Signing in at a provider of OpenID Connect. */
import type { Router } from 'express'

export interface OidcSignIn {
  routes: Router
  /** Where one signs out at the provider as well; undefined where it has no such page. */
  signOutUrl(): Promise<string | undefined>
}
