//! Our rendering against handlebars' own, and against anything at all.
